#include "html_sections.h"
#include "report_facts.h"
#include "words.h"

#include <stdlib.h>

/* Callers above, callees below, width by time.  Stacks are sorted by their frames; then the stacks
 * that share their first frames are neighbours, and no tree is built. */

enum { MOST_BOXES = 800, DEEPEST = 48, BOX = 18 };

struct flame {
    struct assess_page *page;
    const struct assess_profile *profile;
    const struct assess_stack **stacks; /* sorted */
    double total;                       /* s */
    double least;                       /* s; what is narrower is left out */
    size_t boxes, depth;                /* of what is drawn */
    bool draw;
};

static int by_frames(const void *a, const void *b) {
    const struct assess_stack *x = *(const struct assess_stack *const *)a;
    const struct assess_stack *y = *(const struct assess_stack *const *)b;
    for (size_t i = 0; i < x->depth && i < y->depth; i++) {
        if (x->frames[i] != y->frames[i]) return x->frames[i] < y->frames[i] ? -1 : 1;
    }
    return (x->depth > y->depth) - (x->depth < y->depth);
}

/* One box: stacks [first, last) share the frame at `depth`. */
static double add_box(struct flame *flame, size_t first, size_t last, size_t depth, double left) {
    struct assess_page *page = flame->page;
    double seconds[ASSESS_BUCKETS] = {0};
    for (size_t i = first; i < last; i++) {
        seconds[flame->stacks[i]->bucket] += flame->stacks[i]->seconds;
    }
    double sum = assess_sum(seconds);
    if (sum < flame->least) return sum;
    flame->boxes++;
    if (depth + 1 > flame->depth) flame->depth = depth + 1;
    if (!flame->draw) return sum;
    int largest = 0;
    for (int b = 1; b < ASSESS_BUCKETS; b++) {
        if (seconds[b] > seconds[largest]) largest = b;
    }
    uint32_t frame = flame->stacks[first]->frames[depth];
    const struct assess_function *function =
        frame < flame->profile->function_count ? &flame->profile->functions[frame] : NULL;
    const char *name = function ? function->name : "?";
    double width = 100 * sum / flame->total;
    assess_page_printf(page, "<svg x=\"%.3f%%\" y=\"%zu\" width=\"%.3f%%\" height=\"%d\"><title>",
                       100 * left / flame->total, (depth + 1) * BOX, width, BOX - 1);
    assess_page_text(page, name, ASSESS_SHORT);
    assess_page_add(page, " (");
    assess_page_text(page, function ? function->place : NULL, ASSESS_SHORT);
    assess_page_printf(page,
                       "): %s, %s, mostly %s</title><rect class=\"b%d\" width=\"100%%\" "
                       "height=\"100%%\"/>",
                       assess_time_text(&page->pool, sum),
                       assess_percent_text(&page->pool, sum / flame->total),
                       assess_bucket_titles[largest], largest);
    if (width > 2) {
        assess_page_printf(page, "<text x=\"4\" y=\"13\"%s>",
                           function && function->python ? "" : " class=\"native\"");
        assess_page_text(page, name, (size_t)(width * 1.4) + 2);
        assess_page_add(page, "</text>");
    }
    assess_page_add(page, "</svg>\n");
    return sum;
}

/* The boxes of stacks [first, last), which share their first `depth` frames. */
static void add_level(struct flame *flame, size_t first, size_t last, size_t depth, double left) {
    if (depth >= DEEPEST) return;
    while (first < last && flame->stacks[first]->depth <= depth) first++; /* they end here */
    while (first < last) {
        size_t end = first + 1;
        uint32_t frame = flame->stacks[first]->frames[depth];
        while (end < last && flame->stacks[end]->frames[depth] == frame) end++;
        double sum = add_box(flame, first, end, depth, left);
        if (sum >= flame->least) add_level(flame, first, end, depth + 1, left);
        left += sum;
        first = end;
    }
}

static void add_flame(struct flame *flame, size_t count) {
    struct assess_page *page = flame->page;
    const char *total = assess_time_text(&page->pool, flame->total);
    flame->least = flame->total / 1000;
    for (int i = 0; i < 10; i++, flame->least *= 2) {
        flame->boxes = flame->depth = 0;
        add_level(flame, 0, count, 0, 0);
        if (flame->boxes <= MOST_BOXES) break;
    }
    flame->draw = true;
    assess_page_printf(page,
                       "<div class=\"scroll flame\" role=\"region\" tabindex=\"0\" "
                       "aria-label=\"Stacks\"><svg role=\"img\" aria-label=\"Icicle graph of "
                       "stacks: %zu boxes for %s of work\" width=\"100%%\" height=\"%zu\">\n",
                       flame->boxes, total, (flame->depth + 1) * BOX);
    assess_page_printf(page,
                       "<svg width=\"100%%\" height=\"%d\"><rect class=\"all\" width=\"100%%\" "
                       "height=\"100%%\"/><text x=\"4\" y=\"13\">all work, %s</text></svg>\n",
                       BOX - 1, total);
    add_level(flame, 0, count, 0, 0);
    assess_page_add(page, "</svg></div>\n");
}

void assess_html_flame(struct assess_page *page, const struct assess_profile *profile) {
    struct flame flame = {.page = page, .profile = profile};
    flame.stacks = assess_alloc_array(&page->pool, profile->stack_count, sizeof *flame.stacks);
    size_t count = 0;
    for (size_t i = 0; flame.stacks && i < profile->stack_count; i++) {
        const struct assess_stack *stack = &profile->stacks[i];
        if (stack->bucket == ASSESS_IDLE || !(stack->seconds > 0)) continue;
        flame.total += stack->seconds;
        flame.stacks[count++] = stack;
    }
    assess_page_add(page, "<h3>Stacks</h3>\n");
    if (count == 0) {
        assess_page_missing(page, "the profile has no stacks with work in them.");
        return;
    }
    qsort(flame.stacks, count, sizeof *flame.stacks, by_frames);
    assess_page_add(page, "<p class=\"lead\">Callers above, what they call below; the wider, the "
                          "more time; coloured by the bucket that most of it belongs to; native "
                          "functions are in italics. Idle time is left out.</p>\n");
    add_flame(&flame, count);
}
