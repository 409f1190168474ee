#include "prep/prep_outline.h"

#include "base/heap.h"

#include <math.h>
#include <stdbool.h>

/* A part of the map with room to grow: inside is 1. */
struct window {
    int32_t width, height, margin;
    uint8_t *inside;
    int32_t *across; /* to the nearest place of the blob in the row */
};

static size_t window_bytes(const struct window *w) {
    size_t places = ash_size_mul((size_t)w->width, (size_t)w->height);
    return ash_size_mul(places, sizeof *w->across + sizeof *w->inside);
}

static int window_init(struct window *w, const struct ash_blob *blob, double distance,
                       struct ashore_error *err) {
    w->margin = (int32_t)ceil(distance) + 1;
    w->width = blob->right - blob->left + 1 + 2 * w->margin;
    w->height = blob->bottom - blob->top + 1 + 2 * w->margin;
    w->across = ash_alloc(NULL, window_bytes(w));
    if (!w->across) return ash_fail_nomem(err, window_bytes(w));
    size_t places = (size_t)w->width * (size_t)w->height;
    w->inside = (uint8_t *)(w->across + places);
    for (size_t i = 0; i < places; i++) w->across[i] = INT32_MAX;
    for (size_t i = 0; i < blob->count; i++) {
        int32_t x = blob->place[i] % blob->width - blob->left + w->margin;
        int32_t y = blob->place[i] / blob->width - blob->top + w->margin;
        w->across[(size_t)y * (size_t)w->width + (size_t)x] = 0;
    }
    return ASHORE_OK;
}

static void window_deinit(struct window *w) {
    if (w->across) ash_free(NULL, w->across, window_bytes(w));
}

/* Marks what lies within the distance: first along rows, then along columns. */
static void grow(struct window *w, double distance) {
    int32_t reach = w->margin - 1;
    for (int32_t y = 0; y < w->height; y++) {
        int32_t *row = w->across + (size_t)y * (size_t)w->width;
        for (int32_t x = 1; x < w->width; x++)
            if (row[x - 1] < row[x]) row[x] = row[x - 1] + 1;
        for (int32_t x = w->width - 2; x >= 0; x--)
            if (row[x + 1] < row[x]) row[x] = row[x + 1] + 1;
    }
    for (int32_t y = 0; y < w->height; y++) {
        int32_t first = y > reach ? y - reach : 0;
        int32_t last = y + reach < w->height ? y + reach : w->height - 1;
        for (int32_t x = 0; x < w->width; x++) {
            size_t at = (size_t)y * (size_t)w->width + (size_t)x;
            w->inside[at] = 0;
            for (int32_t k = first; k <= last && !w->inside[at]; k++) {
                double dx = w->across[(size_t)k * (size_t)w->width + (size_t)x], dy = k - y;
                w->inside[at] = dx * dx + dy * dy <= distance * distance;
            }
        }
    }
}

static int append(struct ash_outlines *o, double x, double y, struct ashore_error *err) {
    if (o->count == o->room) {
        size_t room = o->room ? ash_size_mul(o->room, 2) : 256, one = sizeof *o->point;
        void *grown = ash_resize(NULL, o->point, o->room * one, ash_size_mul(room, one));
        if (!grown) return ash_fail_nomem(err, ash_size_mul(room, one));
        o->point = grown;
        o->room = room;
    }
    o->point[o->count++] = (struct ash_point){x, y};
    return ASHORE_OK;
}

/* Walks around the region clockwise, its first place in reading order first (Moore's neighbourhood,
 * until the first step comes again). */
static int trace(const struct window *w, struct ash_outlines *to, struct ashore_error *err) {
    static const int8_t dx[] = {1, 1, 0, -1, -1, -1, 0, 1}, dy[] = {0, 1, 1, 1, 0, -1, -1, -1};
    size_t start = 0;
    while (!w->inside[start]) start++; /* a blob is never empty */
    int32_t x = (int32_t)(start % (size_t)w->width), y = (int32_t)(start / (size_t)w->width);
    size_t at = start, second = SIZE_MAX;
    int from = 6; /* nothing lies above the first place */
    for (;;) {
        int step = 0;
        size_t next = at;
        for (; step < 8; step++) {
            int k = (from + step) % 8;
            next = (size_t)(y + dy[k]) * (size_t)w->width + (size_t)(x + dx[k]);
            if (w->inside[next]) break;
        }
        if (at == start && next == second) return ASHORE_OK;
        ASH_TRY(append(to, x, y, err));
        if (step == 8) return ASHORE_OK; /* a single place */
        if (second == SIZE_MAX) second = next;
        int k = (from + step) % 8;
        x += dx[k];
        y += dy[k];
        at = next;
        from = (k + (k % 2 ? 5 : 6)) % 8; /* what was looked at last, seen from here */
    }
}

static double length_of(const struct ash_point *p, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double dx = p[(i + 1) % n].x - p[i].x, dy = p[(i + 1) % n].y - p[i].y;
        sum += sqrt(dx * dx + dy * dy);
    }
    return sum;
}

static double off_line(const struct ash_point *p, const struct ash_point *a,
                       const struct ash_point *b) {
    double x = b->x - a->x, y = b->y - a->y, px = p->x - a->x, py = p->y - a->y;
    double square = x * x + y * y;
    double t = square > 0 ? fmin(fmax((px * x + py * y) / square, 0), 1) : 0;
    double ex = px - t * x, ey = py - t * y;
    return sqrt(ex * ex + ey * ey);
}

/* Leaves out points that are no further than `off` from the line between those that stay: from each
 * of them the line goes on to the last point that allows it.  Returns how many stay. */
static size_t simplify(struct ash_point *p, size_t n, double off) {
    size_t kept = 0;
    for (size_t from = 0, to; from < n; from = to) {
        p[kept++] = p[from];
        to = from + 1;
        for (size_t next = from + 2; next < n; next++) {
            bool near = true;
            for (size_t k = from + 1; k < next && near; k++)
                near = off_line(&p[k], &p[kept - 1], &p[next]) <= off;
            if (!near) break;
            to = next;
        }
    }
    return kept;
}

/* Appends the outline of what lies within the distance of a blob. */
static int outline_at(struct ash_outlines *to, const struct ash_blob *blob, double distance,
                      struct ashore_error *err) {
    struct window w = {0};
    size_t first = to->count;
    int rc = window_init(&w, blob, distance, err);
    if (rc == ASHORE_OK) {
        grow(&w, distance);
        rc = trace(&w, to, err);
    }
    for (size_t i = first; i < to->count; i++) {
        to->point[i].x += blob->left - w.margin;
        to->point[i].y += blob->top - w.margin;
    }
    window_deinit(&w);
    return rc;
}

int ash_outline(struct ash_outlines *to, const struct ash_blob *blob, double unclip,
                struct ashore_error *err) {
    size_t first = to->count;
    ASH_TRY(outline_at(to, blob, 0, err));
    double length = length_of(to->point + first, to->count - first);
    to->count = first;
    ASH_TRY(outline_at(to, blob, length > 0 ? (double)blob->count * unclip / length : unclip, err));
    to->count = first + simplify(to->point + first, to->count - first, 1);
    return ASHORE_OK;
}

void ash_outlines_deinit(struct ash_outlines *o) {
    ash_free(NULL, o->point, o->room * sizeof *o->point);
}
