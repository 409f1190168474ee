/* Pictures from files (PNG, JPEG) and to a file (PNG), as RGB bytes without gaps. */
#ifndef OCR_PICTURE_H
#define OCR_PICTURE_H

#include <ashore/ashore_prep.h>

struct picture {
    unsigned char *rgb;
    int width, height;
};

/* 0, or -1 after a message on stderr.  To be freed with picture_free. */
int picture_read(const char *path, struct picture *picture);
int picture_write(const char *path, const struct picture *picture);
void picture_free(struct picture *picture);

/* Draws a closed line through n points. */
void picture_draw(struct picture *picture, const float *x, const float *y, int n);

static inline struct ashore_image picture_image(const struct picture *p) {
    return (struct ashore_image){p->rgb, p->width, p->height, 3 * p->width, 3};
}

#endif
