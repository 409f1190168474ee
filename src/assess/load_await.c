/* Is anybody there yet? */
#include "load.h"
#include "load_parts.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>

static const double LOOK_UP = 0.05; /* how often *stop and alive() are asked */

/* Waits until the client's socket is ready or the time has come, in steps after each of which
 * the caller asks whether it should go on. */
static void wait_ready(const struct assess_client *client, double until) {
    double wait = fmin(until - assess_seconds(), LOOK_UP);
    short wants = (short)(POLLIN | (assess_client_wants_write(client) ? POLLOUT : 0));
    struct pollfd ready = {.fd = client->fd, .events = wants};
    if (wait > 0) poll(&ready, 1, (int)ceil(wait * 1e3));
}

static void pause_for(double seconds) { poll(NULL, 0, (int)ceil(seconds * 1e3)); }

/* Connects within the time; false: client->failure says why not. */
static bool reach_one(struct assess_client *client, const struct assess_endpoint *endpoint,
                      size_t which, const struct assess_load_options *options, double until) {
    if (!assess_client_open(client, endpoint, which)) return false;
    while (client->state == ASSESS_CLIENT_CONNECTING) {
        if (assess_load_over(options) || assess_seconds() >= until) {
            assess_client_close(client);
            client->failure = "no answer to connecting";
            return false;
        }
        wait_ready(client, until);
        if (!assess_client_connected(client)) return false;
    }
    return true;
}

int assess_client_reach(struct assess_client *client, struct assess_endpoint *endpoint,
                        const struct assess_load_options *options, double seconds,
                        struct ashore_error *err) {
    for (size_t i = 0; i < endpoint->count; i++) {
        if (reach_one(client, endpoint, i, options, assess_seconds() + seconds)) {
            endpoint->chosen = i;
            return ASHORE_OK;
        }
        if (assess_load_stopped(options))
            return assess_fail(err, ASHORE_ERR_CANCELLED, "stopped while connecting");
    }
    return assess_fail(err, ASHORE_ERR_IO, "nobody answers there: %s", client->failure);
}

/* One request on a new connection: true once there is an answer, whatever its status. */
static bool ask_once(struct assess_client *client, const struct assess_request *request,
                     const struct assess_request_head *head, const struct assess_endpoint *endpoint,
                     size_t which, const struct assess_load_options *options, double until) {
    char buffer[4096];
    if (!reach_one(client, endpoint, which, options, until)) return false;
    assess_client_begin(client, head, request->body_count ? request->bodies : NULL);
    while (assess_client_go_on(client, buffer, sizeof buffer)) {
        if (assess_load_over(options) || assess_seconds() >= until) {
            assess_client_close(client);
            client->failure = "timeout";
            return false;
        }
        wait_ready(client, until);
    }
    return client->failure == NULL;
}

static int await(const struct assess_request *request, const struct assess_request_head *head,
                 const struct assess_endpoint *endpoint, const struct assess_load_options *options,
                 double seconds, double *first_answer, struct ashore_error *err) {
    struct assess_client client = {.fd = -1};
    double until = assess_seconds() + seconds, pause = 1e-3;
    double timeout = request->timeout > 0 ? request->timeout : 30;
    for (size_t attempt = 0;; attempt++) {
        double limit = fmin(until, assess_seconds() + timeout);
        size_t which = attempt % endpoint->count;
        bool answered = ask_once(&client, request, head, endpoint, which, options, limit);
        *first_answer = assess_seconds();
        assess_client_close(&client);
        if (answered) return ASHORE_OK;
        if (assess_load_stopped(options))
            return assess_fail(err, ASHORE_ERR_CANCELLED, "stopped before the first answer");
        if (assess_load_over(options))
            return assess_fail(err, ASHORE_ERR_IO,
                               "the program ended before it answered at %.300s (last: %s)",
                               request->url, client.failure);
        if (assess_seconds() + pause >= until)
            return assess_fail(err, ASHORE_ERR_IO, "no answer at %.300s within %g s (last: %s)",
                               request->url, seconds, client.failure);
        pause_for(pause);
        if (which + 1 == endpoint->count) pause = fmin(pause * 1.5, 0.02);
    }
}

int assess_await_http(const struct assess_request *request,
                      const struct assess_load_options *options, double seconds,
                      double *first_answer, struct ashore_error *err) {
    struct assess_url url;
    struct assess_request_head head;
    struct assess_endpoint endpoint;
    *first_answer = 0;
    ASSESS_TRY(assess_url_parse(request->url, &url, err));
    if (!(seconds > 0 && seconds <= 1e6))
        return assess_fail(err, ASHORE_ERR_ARGUMENT, "%g s to wait for an answer", seconds);
    ASSESS_TRY(assess_endpoint_find(&url, &endpoint, err));
    struct assess_pool pool = {0};
    int status = assess_request_head(request, &url, &pool, &head, err);
    if (status == ASHORE_OK)
        status = await(request, &head, &endpoint, options, seconds, first_answer, err);
    assess_pool_deinit(&pool);
    return status;
}
