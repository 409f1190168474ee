/* Who serves the requests that are in flight, tick by tick.
 *
 * An event loop waits while requests are in flight: for their peers, or because other threads of
 * its process have them.  It is the latter when as many threads are at work as there are requests.
 * Samples of a tick may come a little out of order, so each is held back for a while. */
#ifndef ASH_ASSESS_PROFILE_TICKS_H
#define ASH_ASSESS_PROFILE_TICKS_H

#include "classify.h"

enum { ASSESS_TICKS = 64, ASSESS_HELD = 4096 };

struct assess_held {
    struct assess_rec_sample sample;
    enum assess_bucket bucket;
    bool loop; /* an event loop that waits */
};

/* Zeroed is empty. */
struct assess_ticks {
    struct assess_tick {
        int64_t time;
        uint32_t at_work;
    } ticks[ASSESS_TICKS];
    size_t tick_count;        /* ever: the ring's next place */
    struct assess_held *held; /* [ASSESS_HELD], a ring; the caller's */
    size_t first, count;
    int64_t latest;
};

/* Whether the sample is of an event loop that waits while the process has requests. */
bool assess_ticks_is_loop(const struct assess_rec_sample *sample,
                          const struct assess_stack_facts *facts, enum assess_bucket bucket);
/* Takes a sample in.  There has to be room: take one out when count is ASSESS_HELD. */
void assess_ticks_put(struct assess_ticks *ticks, const struct assess_held *held);
/* Takes out the oldest sample that nothing can be added to; any when all is true.  Its bucket is
 * right then.  False when there is none. */
bool assess_ticks_take(struct assess_ticks *ticks, bool all, struct assess_held *held);

#endif
