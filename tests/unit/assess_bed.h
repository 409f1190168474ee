/* Evidence that is made up: a queue with known service times, and a profile with given shares. */
#ifndef ASH_TEST_ASSESS_BED_H
#define ASH_TEST_ASSESS_BED_H

#include "assess/decide.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BED_REQUESTS = 2000, BED_SINGLES = 400, BED_TARGETS = 3 };

struct bed {
    struct assess_pool pool;
    struct assess_target targets[BED_TARGETS];
    struct assess_profile profile;
    struct assess_run run, single, repeats[4];
    struct assess_sweep sweep;
    struct assess_run swept[4];
    struct assess_model_timing model;
    struct assess_function functions[8];
    struct assess_stage stages[2];
    struct assess_stack stacks[8];
    struct assess_evidence evidence;
    struct assess_verdict verdict;
};

/* In (0, 1). */
static inline double bed_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* One server, Poisson arrivals; rate 0: one request at a time. */
static inline void bed_fill_run(struct bed *bed, struct assess_run *run, size_t count, double rate,
                                double mean, uint64_t seed) {
    struct assess_sent *sent = assess_alloc_array(&bed->pool, count, sizeof *sent);
    double now = 1000, free_at = 0;
    assert_non_null(sent);
    for (size_t i = 0; i < count; i++) {
        double service = mean * (0.7 + 0.6 * bed_random(&seed));
        now = rate > 0 ? now - log(bed_random(&seed)) / rate : fmax(now, free_at);
        free_at = fmax(now, free_at) + service;
        sent[i] = (struct assess_sent){now, now, free_at, 200, NULL};
    }
    double seconds = free_at - 1000;
    *run = (struct assess_run){
        .mode = rate > 0 ? ASSESS_OPEN : ASSESS_SINGLE,
        .planned_rate = rate,
        .achieved_rate = (double)count / seconds,
        .begin = 1000,
        .end = free_at,
        .sent = sent,
        .count = count,
        .valid = true,
    };
}

/* Percents of the request threads' time, in the order of the buckets; idle among them. */
static inline void bed_set_shares(struct bed *bed, const double percent[ASSESS_BUCKETS]) {
    struct assess_profile *p = &bed->profile;
    double idle = percent[ASSESS_IDLE], all = 0;
    for (int b = 0; b < ASSESS_BUCKETS; b++) all += percent[b];
    double work = 0;
    for (size_t i = 0; i < bed->single.count; i++) {
        work += bed->single.sent[i].answered - bed->single.sent[i].sent;
    }
    work *= (double)bed->run.count / (double)bed->single.count;
    for (int b = 0; b < ASSESS_BUCKETS; b++) p->seconds[b] = percent[b] * work / (all - idle);
    p->begin = bed->run.begin;
    p->end = bed->run.end;
    p->source = "sampled";
    p->hz = 150;
    p->samples = 15000;
}

/* 2000 requests at 20/s that take 40 ms each: p99 is some 200 to 400 ms. */
static inline void bed_init(struct bed *bed, const char *target) {
    *bed = (struct bed){0};
    bed_fill_run(bed, &bed->run, BED_REQUESTS, 20, 0.04, 1);
    bed_fill_run(bed, &bed->single, BED_SINGLES, 0, 0.04, 2);
    bed->evidence = (struct assess_evidence){
        .targets = bed->targets,
        .target_count = target != NULL,
        .rate = 20,
        .profile = &bed->profile,
        .run = &bed->run,
        .single = &bed->single,
        .cores_used = 0.8,
        .cores = 8,
        .port_days = -1,
        .upkeep_days = -1,
        .day_cost = -1,
    };
    if (target) assert_int_equal(assess_target_parse(target, &bed->targets[0], NULL), ASHORE_OK);
}

static inline void bed_decide(struct bed *bed) {
    assert_int_equal(assess_decide(&bed->evidence, &bed->pool, &bed->verdict, NULL), ASHORE_OK);
}

static inline void bed_deinit(struct bed *bed) { assess_pool_deinit(&bed->pool); }

static inline const struct assess_row *bed_fired(const struct bed *bed) {
    const struct assess_row *fired = NULL;
    for (size_t i = 0; i < bed->verdict.row_count; i++) {
        if (!bed->verdict.rows[i].fired) continue;
        assert_null(fired);
        fired = &bed->verdict.rows[i];
    }
    return fired;
}

static inline void bed_add_function(struct bed *bed, const char *name, const char *place,
                                    double own, double total) {
    size_t i = bed->profile.function_count++;
    bed->functions[i] =
        (struct assess_function){.name = name, .place = place, .python = true, .total = total};
    bed->functions[i].self[ASSESS_INTERPRETER] = own;
    bed->profile.functions = bed->functions;
}

/* Of the interpreter's time, the part that is within tokenize, a stage of handle. */
static inline void bed_add_hot_spot(struct bed *bed, double part) {
    static const uint32_t hot[] = {0, 1}, rest[] = {0}, other[] = {0, 2};
    double all = bed->profile.seconds[ASSESS_INTERPRETER];
    bed_add_function(bed, "handle", "app.py:3", 0.1 * (1 - part) * all, all * 1.2);
    bed_add_function(bed, "tokenize", "tokenizer.py:12", part * all, part * all);
    bed_add_function(bed, "respond", "app.py:40", 0.9 * (1 - part) * all, 0.9 * (1 - part) * all);
    bed->stages[0] = (struct assess_stage){.name = "tokenize", .place = "tokenizer.py:12"};
    bed->stages[1] = (struct assess_stage){.name = "respond", .place = "app.py:40"};
    bed->stacks[0] = (struct assess_stack){hot, 2, ASSESS_INTERPRETER, part * all};
    bed->stacks[1] = (struct assess_stack){rest, 1, ASSESS_INTERPRETER, 0.1 * (1 - part) * all};
    bed->stacks[2] = (struct assess_stack){other, 2, ASSESS_INTERPRETER, 0.9 * (1 - part) * all};
    bed->profile.stages = bed->stages;
    bed->profile.stage_count = 2;
    bed->profile.stacks = bed->stacks;
    bed->profile.stack_count = 3;
}

#endif
