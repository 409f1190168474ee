/* Reads the text in pictures.
 *
 *     ocr [--threads N] [--boxes OUT.png] DETECTION DIRECTION RECOGNITION KEYS PICTURE
 *
 * Prints one line for each line of text: confidence in percent, the four corners, the text.  Times
 * go to stderr.  --boxes writes the picture with the regions drawn into it. */
#include "picture.h"
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ocr [--threads N] [--boxes OUT.png] DETECTION DIRECTION RECOGNITION KEYS PICTURE\n";

enum { EXIT_USAGE = 2, EXIT_INPUT = 3 };

static void print_reading(const struct reading *reading) {
    for (size_t i = 0; i < reading->count; i++) {
        const struct line *l = &reading->lines[i];
        printf("%5.1f  ", 100 * (double)l->confidence);
        for (int k = 0; k < 4; k++) printf("%.0f,%.0f ", (double)l->x[k], (double)l->y[k]);
        printf(" %s\n", l->text);
    }
    fprintf(stderr, "detection %.1f ms, direction %.1f ms, recognition %.1f ms, %zu lines\n",
            1e3 * reading->seconds[0], 1e3 * reading->seconds[1], 1e3 * reading->seconds[2],
            reading->count);
}

static int read_picture(struct reader *reader, const char *path, const char *boxes) {
    struct picture picture;
    struct reading reading;
    struct ashore_error err = {0};
    if (picture_read(path, &picture)) return EXIT_INPUT;
    struct ashore_image image = picture_image(&picture);
    int rc = reader_read(reader, &image, &reading, &err) ? EXIT_INPUT : 0;
    if (rc == 0) {
        print_reading(&reading);
        for (size_t i = 0; i < reading.count; i++)
            picture_draw(&picture, reading.lines[i].x, reading.lines[i].y, 4);
        if (boxes && picture_write(boxes, &picture)) rc = EXIT_INPUT;
        reading_free(&reading);
    } else {
        fprintf(stderr, "ocr: %s\n", err.text);
    }
    picture_free(&picture);
    return rc;
}

int main(int argc, char **argv) {
    const char *boxes = NULL;
    int threads = 0, at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        char *end = NULL;
        if (strcmp(argv[at], "--boxes") == 0) boxes = argv[at + 1];
        if (strcmp(argv[at], "--threads") == 0) threads = (int)strtol(argv[at + 1], &end, 10);
        if ((strcmp(argv[at], "--boxes") != 0 && !end) || (end && *end)) break;
    }
    if (argc - at != 5) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct reader_paths paths = {argv[at], argv[at + 1], argv[at + 2], argv[at + 3]};
    struct reader *reader = NULL;
    struct ashore_error err = {0};
    int rc = reader_create(&paths, threads, &reader, &err) ? EXIT_INPUT : 0;
    if (rc)
        fprintf(stderr, "ocr: %s\n", err.text);
    else
        rc = read_picture(reader, argv[at + 4], boxes);
    reader_destroy(&reader);
    return rc;
}
