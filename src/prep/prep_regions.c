/* Text regions of a probability map: connected places above a threshold, the smallest rectangle
 * around each, grown by what the network's training had shrunk it by. */
#include "ashore/ashore_prep.h"
#include "base/heap.h"
#include "prep/prep_outline.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { REGIONS_MAX = 10000, REGION_NUMBERS = 9 };

struct region {
    struct ash_point corner[4];
    double score, height;
    size_t number; /* as found: what outlines refer to */
};

struct search {
    const float *map;
    int32_t width, height;
    const struct ashore_text_options *options;
    uint8_t *state;                /* of a place: 0 nothing, 1 above the threshold, 2 taken */
    int32_t *place;                /* of the blob at hand, and what is still to be looked at */
    struct ash_point *edge, *hull; /* 2 * height + 1 each */
    struct region *region;
    size_t count, room;
    struct ash_outlines outlines;
    size_t *outline_of; /* the region of each outline point, as many as outlines.room */
    size_t outline_room;
};

void ashore_text_options_init(struct ashore_text_options *o) {
    *o = (struct ashore_text_options){.struct_size = sizeof *o,
                                      .threshold = 0.3f,
                                      .score = 0.6f,
                                      .unclip = 1.5f,
                                      .least_side = 3,
                                      .scale_x = 1,
                                      .scale_y = 1};
}

/* Collects the places that are connected with the first, diagonally too. */
static void flood(struct search *s, int32_t first, struct ash_blob *blob) {
    *blob = (struct ash_blob){s->place, 0, s->width, s->width, s->height, 0, 0};
    s->place[0] = first;
    s->state[first] = 2;
    size_t known = 1;
    for (; blob->count < known; blob->count++) {
        int32_t at = s->place[blob->count], x = at % s->width, y = at / s->width;
        blob->left = x < blob->left ? x : blob->left;
        blob->right = x > blob->right ? x : blob->right;
        blob->top = y < blob->top ? y : blob->top;
        blob->bottom = y > blob->bottom ? y : blob->bottom;
        for (int32_t k = 0; k < 9; k++) {
            int32_t nx = x + k % 3 - 1, ny = y + k / 3 - 1;
            if (nx < 0 || ny < 0 || nx >= s->width || ny >= s->height) continue;
            int32_t next = ny * s->width + nx;
            if (s->state[next] != 1) continue;
            s->state[next] = 2;
            s->place[known++] = next;
        }
    }
}

/* The rectangle around a blob: of each row its first and its last place are enough. */
static struct ash_rect rect_of(struct search *s, const struct ash_blob *blob) {
    int32_t rows = blob->bottom - blob->top + 1;
    for (int32_t i = 0; i < rows; i++) {
        double y = blob->top + i;
        s->edge[2 * i] = (struct ash_point){blob->right, y};
        s->edge[2 * i + 1] = (struct ash_point){blob->left, y};
    }
    for (size_t i = 0; i < blob->count; i++) {
        double x = blob->place[i] % blob->width;
        struct ash_point *ends = &s->edge[2 * (blob->place[i] / blob->width - blob->top)];
        ends[0].x = fmin(ends[0].x, x);
        ends[1].x = fmax(ends[1].x, x);
    }
    return ash_rect_around(s->hull, ash_hull(s->edge, 2 * rows, s->hull));
}

/* The mean probability of a blob.  Of its rectangle it would be less the more a line of text is
 * bent. */
static double score_of(const struct search *s, const struct ash_blob *blob) {
    double sum = 0;
    for (size_t i = 0; i < blob->count; i++) sum += (double)s->map[blob->place[i]];
    return sum / (double)blob->count;
}

/* Appends the outline of a region, and says whose it is. */
static int add_outline(struct search *s, const struct ash_blob *blob, struct ashore_error *err) {
    size_t first = s->outlines.count, one = sizeof *s->outline_of;
    ASH_TRY(ash_outline(&s->outlines, blob, (double)s->options->unclip, err));
    if (s->outline_room < s->outlines.room) {
        void *grown = ash_resize(NULL, s->outline_of, s->outline_room * one,
                                 ash_size_mul(s->outlines.room, one));
        if (!grown) return ash_fail_nomem(err, ash_size_mul(s->outlines.room, one));
        s->outline_of = grown;
        s->outline_room = s->outlines.room;
    }
    for (size_t i = first; i < s->outlines.count; i++) s->outline_of[i] = s->count - 1;
    return ASHORE_OK;
}

static int add_region(struct search *s, const struct ash_blob *blob, struct ashore_error *err) {
    const struct ashore_text_options *o = s->options;
    struct ash_rect r = rect_of(s, blob);
    double least = (double)o->least_side;
    if (2 * fmin(r.a, r.b) < least) return ASHORE_OK;
    double score = score_of(s, blob);
    if (score < (double)o->score) return ASHORE_OK;
    double grow = r.a + r.b > 0 ? r.a * r.b / (r.a + r.b) * (double)o->unclip : 0;
    r.a += grow;
    r.b += grow;
    if (2 * fmin(r.a, r.b) < least + 2) return ASHORE_OK;

    ASH_FAIL_IF(s->count == REGIONS_MAX, err, LIMIT, "the map has more than %d text regions",
                (int)REGIONS_MAX);
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64, one = sizeof *s->region;
        void *grown = ash_resize(NULL, s->region, s->room * one, room * one);
        if (!grown) return ash_fail_nomem(err, room * one);
        s->region = grown;
        s->room = room;
    }
    struct region *region = &s->region[s->count];
    ash_rect_corners(&r, region->corner);
    region->score = score;
    region->number = s->count++;
    region->height = region->corner[3].y - region->corner[0].y;
    return o->polygons ? add_outline(s, blob, err) : ASHORE_OK;
}

static int find(struct search *s, struct ashore_error *err) {
    size_t places = (size_t)s->width * (size_t)s->height;
    for (size_t i = 0; i < places; i++) s->state[i] = s->map[i] > s->options->threshold;
    for (size_t i = 0; i < places; i++) {
        struct ash_blob blob;
        if (s->state[i] != 1) continue;
        flood(s, (int32_t)i, &blob);
        ASH_TRY(add_region(s, &blob, err));
    }
    return ASHORE_OK;
}

/* Moves region i to where it belongs among those before it: in order of y, or of x. */
static void insert(struct region *r, size_t i, bool by_x) {
    struct region one = r[i];
    for (; i > 0; i--) {
        const struct ash_point *p = r[i - 1].corner;
        if (by_x ? p->x <= one.corner->x : p->y <= one.corner->y) break;
        r[i] = r[i - 1];
    }
    r[i] = one;
}

/* Lines from the top: what starts less than half a height below a region stands on its line. */
static void sort(struct region *r, size_t n) {
    for (size_t i = 1; i < n; i++) insert(r, i, false);
    for (size_t i = 0, next; i < n; i = next) {
        double limit = r[i].corner->y + r[i].height / 2;
        for (next = i + 1; next < n && r[next].corner->y < limit; next++)
            insert(r + i, next - i, true);
    }
}

static int write_regions(const struct search *s, ashore_value **value, struct ashore_error *err) {
    int64_t shape[] = {(int64_t)s->count, REGION_NUMBERS};
    ASH_TRY(ashore_tensor_create(ASHORE_FLOAT32, 2, shape, value, err));
    float *to = ashore_value_data_mut(*value);
    for (size_t i = 0; i < s->count; i++, to += REGION_NUMBERS) {
        for (int k = 0; k < 4; k++) {
            to[2 * k] = (float)s->region[i].corner[k].x * s->options->scale_x;
            to[2 * k + 1] = (float)s->region[i].corner[k].y * s->options->scale_y;
        }
        to[8] = (float)s->region[i].score;
    }
    return ASHORE_OK;
}

static int write_outlines(const struct search *s, ashore_value **value, struct ashore_error *err) {
    int64_t shape[] = {(int64_t)s->outlines.count, 3};
    ASH_TRY(ashore_tensor_create(ASHORE_FLOAT32, 2, shape, value, err));
    float *to = ashore_value_data_mut(*value);
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->outlines.count; k++) {
            if (s->outline_of[k] != s->region[i].number) continue;
            *to++ = (float)i;
            *to++ = (float)s->outlines.point[k].x * s->options->scale_x;
            *to++ = (float)s->outlines.point[k].y * s->options->scale_y;
        }
    }
    return ASHORE_OK;
}

static int search_init(struct search *s, struct ashore_error *err) {
    ASH_FAIL_IF(!s->map || s->width < 1 || s->height < 1 || s->width > INT32_MAX / s->height, err,
                ARGUMENT, "a map of %d x %d", (int)s->width, (int)s->height);
    size_t places = (size_t)s->width * (size_t)s->height, points = 2 * (size_t)s->height + 1;
    s->state = ash_alloc(NULL, places);
    s->place = ash_alloc(NULL, ash_size_mul(places, sizeof *s->place));
    s->edge = ash_alloc(NULL, points * sizeof *s->edge);
    s->hull = ash_alloc(NULL, points * sizeof *s->hull);
    if (s->state && s->place && s->edge && s->hull) return ASHORE_OK;
    return ash_fail_nomem(err, ash_size_mul(places, 1 + sizeof *s->place));
}

static void search_deinit(struct search *s) {
    size_t places = (size_t)s->width * (size_t)s->height, points = 2 * (size_t)s->height + 1;
    ash_free(NULL, s->state, places);
    ash_free(NULL, s->place, places * sizeof *s->place);
    ash_free(NULL, s->edge, points * sizeof *s->edge);
    ash_free(NULL, s->hull, points * sizeof *s->hull);
    ash_free(NULL, s->region, s->room * sizeof *s->region);
    ash_free(NULL, s->outline_of, s->outline_room * sizeof *s->outline_of);
    ash_outlines_deinit(&s->outlines);
}

int ashore_text_regions(const float *map, int32_t height, int32_t width,
                        const struct ashore_text_options *options, ashore_value **regions,
                        ashore_value **polygons, struct ashore_error *err) {
    struct search s = {.map = map, .width = width, .height = height, .options = options};
    *regions = NULL;
    if (polygons) *polygons = NULL;
    int rc = search_init(&s, err);
    if (rc == ASHORE_OK) rc = find(&s, err);
    if (rc == ASHORE_OK) {
        sort(s.region, s.count);
        rc = write_regions(&s, regions, err);
    }
    if (rc == ASHORE_OK && polygons && options->polygons) rc = write_outlines(&s, polygons, err);
    if (rc != ASHORE_OK) ashore_value_release(regions);
    search_deinit(&s);
    return rc;
}
