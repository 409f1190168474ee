/* Reads the text in a picture with PaddleOCR's three networks: detection finds regions, direction
 * says which are upside down, recognition reads each. */
#ifndef OCR_READER_H
#define OCR_READER_H

#include <ashore/ashore_prep.h>

struct reader_paths {
    const char *detection, *direction, *recognition;
    const char *keys; /* the characters of recognition, one a line; class 0 is blank */
};

/* One line of text, corners clockwise from where the text begins. */
struct line {
    float x[4], y[4];
    float region, confidence; /* 0 to 1: that it is text, and that it is this text */
    int turned;               /* it stood upside down */
    char *text;               /* UTF-8 */
};

struct reading {
    struct line *lines; /* from the top, and from left to right */
    size_t count;
    double seconds[3]; /* detection, direction, recognition, with what is before and behind */
};

struct reader;

/* Functions return a status of ashore_error.h.  threads 0: all cores. */
int reader_create(const struct reader_paths *paths, int threads, struct reader **reader,
                  struct ashore_error *err);
void reader_destroy(struct reader **reader);
int reader_read(struct reader *reader, const struct ashore_image *image, struct reading *reading,
                struct ashore_error *err);
void reading_free(struct reading *reading);

#endif
