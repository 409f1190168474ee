/* The service of service.py as a program: the engine, a server, and what lies between them.
 *
 *     serve PORT MODEL
 */
#include <ashore/ashore.h>

#include <civetweb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 64, PLACES = SIDE * SIDE, CHANNELS = 3 };

struct service {
    ashore_model *model;
    ashore_session *session;
    pthread_mutex_t lock; /* a session runs one request at a time */
};

static int classify(struct service *s, const unsigned char *pixels, size_t *best,
                    struct ashore_error *err) {
    const int64_t shape[] = {1, CHANNELS, SIDE, SIDE};
    const char *in = ashore_model_input(s->model, 0)->name;
    const char *out = ashore_model_output(s->model, 0)->name;
    ashore_value *picture = NULL, *scores = NULL;

    int rc = ashore_tensor_create(ASHORE_FLOAT32, 4, shape, &picture, err);
    if (rc != ASHORE_OK) return rc;
    float *x = ashore_value_data_mut(picture);
    for (size_t i = 0; i < PLACES * CHANNELS; i++) {
        x[i % CHANNELS * PLACES + i / CHANNELS] = (float)pixels[i] / 255;
    }
    pthread_mutex_lock(&s->lock);
    rc = ashore_session_run(s->session, 1, &in, &picture, 1, &out, &scores, err);
    pthread_mutex_unlock(&s->lock);
    if (rc == ASHORE_OK) {
        const float *score = ashore_value_data(scores);
        *best = 0;
        for (size_t i = 1; i < ashore_value_elements(scores); i++) {
            if (score[i] > score[*best]) *best = i;
        }
    }
    ashore_value_release(&picture);
    ashore_value_release(&scores);
    return rc;
}

static int answer(struct mg_connection *connection, void *user) {
    unsigned char pixels[PLACES * CHANNELS];
    char text[700];
    struct ashore_error err = {0};
    size_t size = 0, best = 0;
    int got = 1;

    while (size < sizeof pixels && got > 0) {
        got = mg_read(connection, pixels + size, sizeof pixels - size);
        if (got > 0) size += (size_t)got;
    }
    const char *status = "200 OK";
    if (size != sizeof pixels) {
        status = "400 Bad Request";
        snprintf(text, sizeof text, "a picture has %zu bytes\n", sizeof pixels);
    } else if (classify(user, pixels, &best, &err) != ASHORE_OK) {
        status = "500 Internal Server Error";
        snprintf(text, sizeof text, "%s\n", err.text);
    } else {
        snprintf(text, sizeof text, "{\"class\": %zu}", best);
    }
    mg_printf(connection, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(text),
              text);
    return 1;
}

static int serve(struct service *service, const char *port) {
    const char *const options[] = {
        "listening_ports",   port,  "num_threads", "8", "tcp_nodelay", "1",
        "enable_keep_alive", "yes", NULL};
    struct mg_callbacks callbacks = {0};
    sigset_t end;
    int signal_number;

    /* Before there are threads, so that they inherit it. */
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    pthread_sigmask(SIG_BLOCK, &end, NULL);
    struct mg_context *server = mg_start(&callbacks, NULL, (const char **)options);
    if (!server) {
        fprintf(stderr, "serve: port %s cannot be served\n", port);
        return 1;
    }
    mg_set_request_handler(server, "/", answer, service);
    sigwait(&end, &signal_number);
    mg_stop(server);
    return 0;
}

int main(int argc, char **argv) {
    struct service service = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct ashore_error err = {0};
    int failed = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: serve PORT MODEL\n");
        return 2;
    }
    int rc = ashore_model_load_file(argv[2], NULL, &service.model, &err);
    if (rc == ASHORE_OK) rc = ashore_session_create(service.model, NULL, &service.session, &err);
    if (rc == ASHORE_OK) {
        failed = serve(&service, argv[1]);
    } else {
        fprintf(stderr, "serve: %s\n", err.text);
    }
    ashore_session_destroy(&service.session);
    ashore_model_destroy(&service.model);
    return failed;
}
