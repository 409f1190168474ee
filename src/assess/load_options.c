#include "load_parts.h"

#include <sys/resource.h>

enum {
    DEFAULT_CONNECTIONS = 256,
    MOST_CONNECTIONS = 50000,
    SPARE_DESCRIPTORS = 32 /* what else this process opens */
};

int assess_load_check(const struct assess_request *request, const struct assess_load_options *o,
                      struct ashore_error *err) {
    if (o->mode == ASSESS_OPEN && !(o->rate > 0 && o->rate <= 1e6))
        return assess_fail(err, ASHORE_ERR_ARGUMENT,
                           "a rate of %g requests/s: it has to be above 0 and at most 1000000",
                           o->rate);
    if (!(o->seconds >= 0 && o->seconds <= 1e6) || (o->seconds == 0 && o->most == 0))
        return assess_fail(err, ASHORE_ERR_ARGUMENT,
                           "load for %g s: it has to be above 0 and at most 1000000", o->seconds);
    if (!(request->timeout >= 0 && request->timeout <= 1e6))
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "a timeout of %g s", request->timeout);
    if (o->connections > MOST_CONNECTIONS)
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "%zu connections: %d at most", o->connections,
                           MOST_CONNECTIONS);
    double planned = o->mode == ASSESS_OPEN ? o->rate * o->seconds : 0;
    if (o->most > ASSESS_REQUESTS_MOST || (planned > (double)ASSESS_REQUESTS_MOST && o->most == 0))
        return assess_fail(err, ASHORE_ERR_LIMIT, "more than %d requests in one run",
                           ASSESS_REQUESTS_MOST);
    return ASHORE_OK;
}

int assess_load_connections(const struct assess_load_options *o, size_t *count,
                            struct ashore_error *err) {
    struct rlimit limit;
    size_t most = SIZE_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        most = limit.rlim_cur > SPARE_DESCRIPTORS ? (size_t)limit.rlim_cur - SPARE_DESCRIPTORS : 0;
    *count = o->mode == ASSESS_SINGLE ? 1 : o->connections;
    if (*count == 0) *count = most && most < DEFAULT_CONNECTIONS ? most : DEFAULT_CONNECTIONS;
    if (*count <= most) return ASHORE_OK;
    return assess_fail(err, ASHORE_ERR_LIMIT,
                       "%zu connections need more file descriptors than the %zu that this process "
                       "may have open (raise ulimit -n, or ask for at most %zu connections)",
                       *count, most + SPARE_DESCRIPTORS, most);
}
