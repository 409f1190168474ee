#include "profile_ticks.h"

#include <sys/syscall.h>

static const int64_t HELD_NS = 100000000;

bool assess_ticks_is_loop(const struct assess_rec_sample *s, const struct assess_stack_facts *facts,
                          enum assess_bucket bucket) {
    if (bucket != ASSESS_IO || !(s->flags & ASSESS_SAMPLE_ACCEPTED)) return false;
    if (assess_wait_of(s, facts) != ASSESS_WAIT_PEER) return false;
#ifdef SYS_epoll_wait
    if (s->syscall == SYS_epoll_wait) return true;
#endif
    return facts->multiplexes || s->syscall == SYS_epoll_pwait;
}

static struct assess_tick *find_tick(struct assess_ticks *t, int64_t time) {
    size_t known = t->tick_count < ASSESS_TICKS ? t->tick_count : ASSESS_TICKS;
    for (size_t i = 1; i <= known; i++) {
        struct assess_tick *tick = &t->ticks[(t->tick_count - i) % ASSESS_TICKS];
        if (tick->time == time) return tick;
    }
    return NULL;
}

void assess_ticks_put(struct assess_ticks *t, const struct assess_held *held) {
    int64_t time = held->sample.time;
    struct assess_tick *tick = find_tick(t, time);
    if (!tick) {
        tick = &t->ticks[t->tick_count++ % ASSESS_TICKS];
        *tick = (struct assess_tick){.time = time};
    }
    if (!held->loop && held->bucket != ASSESS_IDLE) tick->at_work++;
    if (time > t->latest) t->latest = time;
    t->held[(t->first + t->count++) % ASSESS_HELD] = *held;
}

bool assess_ticks_take(struct assess_ticks *t, bool all, struct assess_held *held) {
    if (t->count == 0) return false;
    *held = t->held[t->first];
    bool full = t->count == ASSESS_HELD;
    if (!all && !full && t->latest - held->sample.time < HELD_NS) return false;
    t->first = (t->first + 1) % ASSESS_HELD;
    t->count--;
    const struct assess_tick *tick = held->loop ? find_tick(t, held->sample.time) : NULL;
    if (tick && tick->at_work >= held->sample.in_flight) held->bucket = ASSESS_IDLE;
    return true;
}
