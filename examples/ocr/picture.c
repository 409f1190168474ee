#include "picture.h"

#include <math.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { SIDE_MAX = 16384, FILE_MAX = 256 << 20 };

static int fail(const char *path, const char *text) {
    fprintf(stderr, "%s: %s\n", path, text);
    return -1;
}

static int read_file(const char *path, unsigned char **bytes, size_t *size) {
    FILE *file = fopen(path, "rb");
    long length = -1;
    *bytes = NULL;
    if (!file) return fail(path, "cannot be opened");
    if (fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    int rc = length < 1 || length > FILE_MAX ? fail(path, "is empty or too large") : 0;
    if (rc == 0) *bytes = malloc((size_t)length);
    if (*bytes) {
        rewind(file);
        *size = fread(*bytes, 1, (size_t)length, file);
    }
    if (rc == 0 && (!*bytes || *size != (size_t)length)) rc = fail(path, "cannot be read");
    fclose(file);
    return rc;
}

static int allocate(const char *path, size_t width, size_t height, struct picture *p) {
    if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX)
        return fail(path, "is no picture of at most 16384 x 16384");
    p->width = (int)width;
    p->height = (int)height;
    p->rgb = malloc(3 * width * height);
    return p->rgb ? 0 : fail(path, "out of memory");
}

static int read_png(const char *path, const unsigned char *bytes, size_t size, struct picture *p) {
    struct spng_ihdr header;
    spng_ctx *png = spng_ctx_new(0);
    unsigned char *rgba = NULL;
    size_t length = 0;
    int rc = png ? spng_set_png_buffer(png, bytes, size) : SPNG_EMEM;
    if (!rc) rc = spng_set_image_limits(png, SIDE_MAX, SIDE_MAX);
    if (!rc) rc = spng_get_ihdr(png, &header);
    if (!rc) rc = spng_decoded_image_size(png, SPNG_FMT_RGBA8, &length);
    if (!rc && !(rgba = malloc(length))) rc = SPNG_EMEM;
    if (!rc) rc = spng_decode_image(png, rgba, length, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    int result =
        rc ? fail(path, spng_strerror(rc)) : allocate(path, header.width, header.height, p);
    for (size_t i = 0; result == 0 && i < length / 4; i++) {
        for (size_t c = 0; c < 3; c++) { /* over white */
            int alpha = rgba[4 * i + 3], value = rgba[4 * i + c];
            p->rgb[3 * i + c] = (unsigned char)(255 + (value - 255) * alpha / 255);
        }
    }
    free(rgba);
    spng_ctx_free(png);
    return result;
}

static int read_jpeg(const char *path, const unsigned char *bytes, size_t size, struct picture *p) {
    int width = 0, height = 0, subsampling, space;
    tjhandle jpeg = tjInitDecompress();
    int rc = jpeg ? tjDecompressHeader3(jpeg, bytes, (unsigned long)size, &width, &height,
                                        &subsampling, &space)
                  : -1;
    int result =
        rc ? fail(path, "is no JPEG file") : allocate(path, (size_t)width, (size_t)height, p);
    if (result == 0 &&
        tjDecompress2(jpeg, bytes, (unsigned long)size, p->rgb, width, 0, height, TJPF_RGB, 0) != 0)
        result = fail(path, tjGetErrorStr2(jpeg));
    if (jpeg) tjDestroy(jpeg);
    return result;
}

int picture_read(const char *path, struct picture *p) {
    static const unsigned char png[] = {0x89, 'P', 'N', 'G'}, jpeg[] = {0xff, 0xd8, 0xff};
    unsigned char *bytes;
    size_t size = 0;
    *p = (struct picture){0};
    int rc = read_file(path, &bytes, &size);
    if (rc == 0 && size > 8 && memcmp(bytes, png, sizeof png) == 0)
        rc = read_png(path, bytes, size, p);
    else if (rc == 0 && size > 8 && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        rc = read_jpeg(path, bytes, size, p);
    else if (rc == 0)
        rc = fail(path, "is neither PNG nor JPEG");
    if (rc) picture_free(p);
    free(bytes);
    return rc;
}

int picture_write(const char *path, const struct picture *p) {
    struct spng_ihdr header = {.width = (uint32_t)p->width,
                               .height = (uint32_t)p->height,
                               .bit_depth = 8,
                               .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    FILE *file = fopen(path, "wb");
    if (!file) return fail(path, "cannot be written");
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    int rc = png ? spng_set_png_file(png, file) : SPNG_EMEM;
    if (!rc) rc = spng_set_ihdr(png, &header);
    if (!rc)
        rc = spng_encode_image(png, p->rgb, 3 * (size_t)p->width * (size_t)p->height, SPNG_FMT_PNG,
                               SPNG_ENCODE_FINALIZE);
    spng_ctx_free(png);
    if (fclose(file) != 0 && !rc) rc = SPNG_IO_ERROR;
    return rc ? fail(path, spng_strerror(rc)) : 0;
}

void picture_free(struct picture *p) {
    free(p->rgb);
    p->rgb = NULL;
}

static void dot(struct picture *p, int x, int y, int size) {
    static const unsigned char colour[] = {216, 44, 32};
    for (int j = y - size / 2; j < y - size / 2 + size; j++) {
        for (int i = x - size / 2; i < x - size / 2 + size; i++) {
            if (i < 0 || j < 0 || i >= p->width || j >= p->height) continue;
            memcpy(p->rgb + 3 * ((size_t)j * (size_t)p->width + (size_t)i), colour, 3);
        }
    }
}

void picture_draw(struct picture *p, const float *x, const float *y, int n) {
    int size = 1 + (p->width > p->height ? p->width : p->height) / 800;
    for (int k = 0; k < n; k++) {
        float dx = x[(k + 1) % n] - x[k], dy = y[(k + 1) % n] - y[k];
        int steps = (int)fminf(ceilf(fmaxf(fabsf(dx), fabsf(dy))) + 1, 4 * SIDE_MAX);
        for (int i = 0; i <= steps; i++) {
            float t = (float)i / (float)steps;
            dot(p, (int)lrintf(x[k] + t * dx), (int)lrintf(y[k] + t * dy), size);
        }
    }
}
