#include "reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Detection sees the picture with its short side at least, and its long side at most, so long, in
 * multiples of 32, but never enlarged further: text of 10 to 100 pixels is found then. */
enum { SHORT_SIDE = 736, LONG_SIDE = 1984, SIDE_STEP = 32, MOST_ENLARGED = 3 };
/* Lines are read at this height.  Widths are padded to few different ones: each is a plan. */
enum { LINE_HEIGHT = 48, WIDTH_LEAST = 320, WIDTH_STEP = 64, WIDTH_MOST = 4096 };
static const float upside_down_from = 0.9f, text_from = 0.5f, doubtful_below = 0.8f;

struct network {
    ashore_model *model;
    ashore_session *session;
};

struct reader {
    struct network detection, direction, recognition;
    char *keys;       /* the file, its line ends replaced by zeros */
    const char **key; /* key_count of them: class k is key[k - 1], the last class a space */
    size_t key_count;
};

static int fail(struct ashore_error *err, int code, const char *name, const char *text) {
    err->code = code;
    snprintf(err->text, sizeof err->text, "%s: %s", name, text);
    return code;
}

/* ---- networks and characters ---------------------------------------------------------------- */

static int open_network(const char *path, int threads, struct network *n,
                        struct ashore_error *err) {
    struct ashore_session_options options;
    ashore_session_options_init(&options);
    options.threads = threads;
    int rc = ashore_model_load_file(path, NULL, &n->model, err);
    if (rc == ASHORE_OK &&
        (ashore_model_input_count(n->model) != 1 || ashore_model_output_count(n->model) != 1))
        rc = fail(err, ASHORE_ERR_ARGUMENT, path, "has not one input and one output");
    if (rc == ASHORE_OK) rc = ashore_session_create(n->model, &options, &n->session, err);
    return rc;
}

static void close_network(struct network *n) {
    ashore_session_destroy(&n->session);
    ashore_model_destroy(&n->model);
}

static int read_keys(const char *path, struct reader *r, struct ashore_error *err) {
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (!file) return fail(err, ASHORE_ERR_IO, path, "cannot be opened");
    if (fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    rewind(file);
    if (size > 0) r->keys = calloc((size_t)size + 1, 1);
    int ok = r->keys && fread(r->keys, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (!ok) return fail(err, ASHORE_ERR_IO, path, "cannot be read");
    r->key = calloc((size_t)size + 1, sizeof *r->key);
    if (!r->key) return fail(err, ASHORE_ERR_NOMEM, path, "out of memory");
    for (char *at = r->keys; at < r->keys + size;) {
        size_t length = strcspn(at, "\n");
        r->key[r->key_count++] = at;
        char *end = at + length;
        if (length && end[-1] == '\r') end[-1] = '\0';
        *end = '\0';
        at = end + 1;
    }
    return ASHORE_OK;
}

int reader_create(const struct reader_paths *paths, int threads, struct reader **reader,
                  struct ashore_error *err) {
    struct reader *r = *reader = calloc(1, sizeof *r);
    if (!r) return fail(err, ASHORE_ERR_NOMEM, "reader", "out of memory");
    int rc = open_network(paths->detection, threads, &r->detection, err);
    if (rc == ASHORE_OK) rc = open_network(paths->direction, threads, &r->direction, err);
    if (rc == ASHORE_OK) rc = open_network(paths->recognition, threads, &r->recognition, err);
    if (rc == ASHORE_OK) rc = read_keys(paths->keys, r, err);
    if (rc != ASHORE_OK) reader_destroy(reader);
    return rc;
}

void reader_destroy(struct reader **reader) {
    struct reader *r = *reader;
    if (!r) return;
    close_network(&r->detection);
    close_network(&r->direction);
    close_network(&r->recognition);
    free(r->key);
    free(r->keys);
    free(r);
    *reader = NULL;
}

/* Runs a network on its one input, which is taken. */
static int run(const struct network *n, ashore_value **input, ashore_value **output,
               struct ashore_error *err) {
    const char *in = ashore_model_input(n->model, 0)->name;
    const char *out = ashore_model_output(n->model, 0)->name;
    int rc = ashore_session_run(n->session, 1, &in, input, 1, &out, output, err);
    ashore_value_release(input);
    return rc;
}

/* ---- detection ------------------------------------------------------------------------------ */

static int32_t whole_steps(double side) {
    int32_t steps = (int32_t)floor(side / (double)SIDE_STEP + 0.5);
    return SIDE_STEP * (steps < 1 ? 1 : steps);
}

static int find_regions(struct reader *r, const struct ashore_image *image, ashore_value **regions,
                        struct ashore_error *err) {
    /* Of ImageNet, for channels in the order blue, green, red. */
    static const float mean[] = {0.406f, 0.456f, 0.485f}, deviation[] = {0.225f, 0.224f, 0.229f};
    double width = image->width, height = image->height;
    double scale = fmin(fmax(1, (double)SHORT_SIDE / fmin(width, height)), MOST_ENLARGED);
    scale = fmin(scale, (double)LONG_SIDE / fmax(width, height));

    struct ashore_image_options options;
    ashore_image_options_init(&options);
    options.width = whole_steps(width * scale);
    options.height = whole_steps(height * scale);
    options.bgr = 1;
    for (int c = 0; c < 3; c++) {
        options.mean[c] = 255 * mean[c];
        options.scale[c] = 1 / (255 * deviation[c]);
    }
    ashore_value *x = NULL, *map = NULL;
    int rc = ashore_image_tensor(image, &options, &x, err);
    if (rc == ASHORE_OK) rc = run(&r->detection, &x, &map, err);
    if (rc == ASHORE_OK) {
        const int64_t *shape = ashore_value_shape(map);
        struct ashore_text_options how;
        ashore_text_options_init(&how);
        how.scale_x = (float)(width / options.width);
        how.scale_y = (float)(height / options.height);
        rc = ashore_value_rank(map) == 4 && shape[2] == options.height && shape[3] == options.width
                 ? ashore_text_regions(ashore_value_data(map), options.height, options.width, &how,
                                       regions, NULL, err)
                 : fail(err, ASHORE_ERR_SHAPE, "detection", "the map is not as large as its input");
    }
    ashore_value_release(&map);
    return rc;
}

/* ---- direction and recognition -------------------------------------------------------------- */

static float side(const struct line *l, int a, int b) {
    return hypotf(l->x[a] - l->x[b], l->y[a] - l->y[b]);
}

/* The text begins `quarters` corners further. */
static void turn(struct line *l, int quarters) {
    struct line from = *l;
    for (int i = 0; i < 4; i++) {
        l->x[i] = from.x[(i + quarters) % 4];
        l->y[i] = from.y[(i + quarters) % 4];
    }
}

/* The line upright, at the height of the networks, as a tensor that is `least` wide at least. */
static int line_tensor(const struct ashore_image *image, const struct line *l, int32_t least,
                       int32_t most, ashore_value **x, struct ashore_error *err) {
    float width = fmaxf(fmaxf(side(l, 0, 1), side(l, 2, 3)), 1);
    float height = fmaxf(fmaxf(side(l, 0, 3), side(l, 1, 2)), 1);
    ashore_value *upright = NULL;
    int rc = ashore_image_warp(image, l->x, l->y, (int32_t)ceilf(width), (int32_t)ceilf(height),
                               &upright, err);
    if (rc != ASHORE_OK) return rc;
    const int64_t *shape = ashore_value_shape(upright);
    struct ashore_image line = {ashore_value_data(upright), (int32_t)shape[1], (int32_t)shape[0],
                                3 * (int32_t)shape[1], 3};
    struct ashore_image_options options;
    ashore_image_options_init(&options);
    int32_t needed = (int32_t)ceilf((float)LINE_HEIGHT * width / height);
    needed = (needed + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP;
    options.height = LINE_HEIGHT;
    options.width = needed < least ? least : needed > most ? most : needed;
    options.fit = needed > most ? ASHORE_FIT_STRETCH : ASHORE_FIT_START;
    options.bgr = 1;
    for (int c = 0; c < 3; c++) {
        options.mean[c] = 127.5f;
        options.scale[c] = 1 / 127.5f;
    }
    rc = ashore_image_tensor(&line, &options, x, err);
    ashore_value_release(&upright);
    return rc;
}

static int set_upright(struct reader *r, const struct ashore_image *image, struct line *l,
                       struct ashore_error *err) {
    enum { DIRECTION_WIDTH = 192 };
    ashore_value *x = NULL, *answer = NULL;
    if (side(l, 0, 3) >= 1.5f * side(l, 0, 1)) turn(l, 1); /* it runs upwards */
    int rc = line_tensor(image, l, DIRECTION_WIDTH, DIRECTION_WIDTH, &x, err);
    if (rc == ASHORE_OK) rc = run(&r->direction, &x, &answer, err);
    if (rc == ASHORE_OK && ashore_value_elements(answer) != 2)
        rc = fail(err, ASHORE_ERR_SHAPE, "direction", "does not tell two directions");
    if (rc == ASHORE_OK) {
        const float *p = ashore_value_data(answer);
        l->turned = p[1] > upside_down_from;
        if (l->turned) turn(l, 2);
    }
    ashore_value_release(&answer);
    return rc;
}

static int spell(const struct reader *r, const ashore_value *answer, struct line *l,
                 struct ashore_error *err) {
    const int64_t *shape = ashore_value_shape(answer);
    if (ashore_value_rank(answer) != 3 || shape[2] != (int64_t)r->key_count + 2)
        return fail(err, ASHORE_ERR_SHAPE, "recognition", "its classes are not those of the keys");
    int32_t places = (int32_t)shape[1], *found = calloc((size_t)places + 1, sizeof *found);
    if (!found) return fail(err, ASHORE_ERR_NOMEM, "recognition", "out of memory");
    int32_t count = ashore_ctc_greedy(ashore_value_data(answer), places, (int32_t)shape[2], found,
                                      &l->confidence);
    size_t length = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1 && !(l->text = calloc(length + 1, 1))) break;
        length = 0;
        for (int32_t i = 0; i < count; i++) {
            size_t k = (size_t)found[i] - 1;
            const char *character = k < r->key_count ? r->key[k] : " ";
            size_t bytes = strlen(character);
            if (pass == 1) memcpy(l->text + length, character, bytes);
            length += bytes;
        }
    }
    free(found);
    return l->text ? ASHORE_OK : fail(err, ASHORE_ERR_NOMEM, "recognition", "out of memory");
}

static int read_line(struct reader *r, const struct ashore_image *image, struct line *l,
                     struct ashore_error *err) {
    ashore_value *x = NULL, *answer = NULL;
    int rc = line_tensor(image, l, WIDTH_LEAST, WIDTH_MOST, &x, err);
    if (rc == ASHORE_OK) rc = run(&r->recognition, &x, &answer, err);
    if (rc == ASHORE_OK) rc = spell(r, answer, l, err);
    ashore_value_release(&answer);
    return rc;
}

/* A line that was turned and is hard to read may have been turned in error: the direction of long
 * or bent lines is uncertain.  Reads it the other way as well. */
static int read_both_ways(struct reader *r, const struct ashore_image *image, struct line *l,
                          struct ashore_error *err) {
    struct line other = *l;
    other.text = NULL;
    turn(&other, 2);
    int rc = read_line(r, image, &other, err);
    if (rc == ASHORE_OK && other.confidence > l->confidence) {
        free(l->text);
        *l = other;
    } else {
        free(other.text);
    }
    return rc;
}

/* ---- a picture ------------------------------------------------------------------------------ */

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void take_regions(const ashore_value *regions, struct reading *reading) {
    const float *from = ashore_value_data(regions);
    for (size_t i = 0; i < reading->count; i++, from += 9) {
        struct line *l = &reading->lines[i];
        for (int k = 0; k < 4; k++) {
            l->x[k] = from[2 * k];
            l->y[k] = from[2 * k + 1];
        }
        l->region = from[8];
    }
}

/* Leaves out what was read with little confidence: most of it is no text. */
static void drop_doubtful(struct reading *reading) {
    size_t kept = 0;
    for (size_t i = 0; i < reading->count; i++) {
        struct line l = reading->lines[i];
        if (l.confidence >= text_from)
            reading->lines[kept++] = l;
        else
            free(l.text);
    }
    reading->count = kept;
}

int reader_read(struct reader *r, const struct ashore_image *image, struct reading *reading,
                struct ashore_error *err) {
    ashore_value *regions = NULL;
    double begin = now();
    *reading = (struct reading){0};
    int rc = find_regions(r, image, &regions, err);
    if (rc != ASHORE_OK) return rc;
    size_t count = (size_t)ashore_value_shape(regions)[0];
    reading->lines = calloc(count + 1, sizeof *reading->lines);
    if (!reading->lines) rc = fail(err, ASHORE_ERR_NOMEM, "picture", "out of memory");
    if (rc == ASHORE_OK) reading->count = count;
    take_regions(regions, reading);
    ashore_value_release(&regions);
    reading->seconds[0] = now() - begin;
    begin = now();
    for (size_t i = 0; rc == ASHORE_OK && i < reading->count; i++)
        rc = set_upright(r, image, &reading->lines[i], err);
    reading->seconds[1] = now() - begin;
    begin = now();
    for (size_t i = 0; rc == ASHORE_OK && i < reading->count; i++) {
        struct line *l = &reading->lines[i];
        rc = read_line(r, image, l, err);
        if (rc == ASHORE_OK && l->turned && l->confidence < doubtful_below)
            rc = read_both_ways(r, image, l, err);
    }
    reading->seconds[2] = now() - begin;
    if (rc == ASHORE_OK)
        drop_doubtful(reading);
    else
        reading_free(reading);
    return rc;
}

void reading_free(struct reading *reading) {
    for (size_t i = 0; i < reading->count; i++) free(reading->lines[i].text);
    free(reading->lines);
    *reading = (struct reading){0};
}
