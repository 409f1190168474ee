/* The measuring: the model alone, the program under load with the sampler in it, and after it.
 *
 * model -> start -> first answer -> warm up -> load at the rate (profiled) -> repeats -> sweep ->
 * stop -> profile.  Whatever ends it early (^C, the program's end, a full disk) keeps what was
 * measured and says so in `partial`. */
#ifndef ASH_ASSESS_MEASURE_H
#define ASH_ASSESS_MEASURE_H

#include "process.h"
#include "rules.h"
#include "verdict.h"

struct assess_measure_options {
    const char *const *argv;       /* the program, NULL-terminated; NULL: nothing is run */
    const char *sampler;           /* libashore_sampler.so */
    const char *call_driver;       /* call_driver.py */
    const char *folder;            /* for trace files and logs; exists, is empty */
    const char *rules;             /* a file; NULL: built-in rules alone */
    const char *import;            /* a profile of another tool, in place of ours; NULL */
    const char *call;              /* "module:function"; NULL: HTTP, or the program by itself */
    struct assess_request request; /* url NULL: the port that the program listens on, path / */
    enum assess_load_mode mode;
    size_t connections; /* the most at a time; 0: as load.h says */
    double seconds;     /* 0: not given */
    double startup;     /* s that the program may take to answer */
    bool sweep;
    int hz;
    uint64_t seed;
    const char *model;                  /* NULL: none */
    const char *program;                /* this program, for `bench` */
    const char *package;                /* the JavaScript package's folder; NULL: there is none */
    const char *const *model_arguments; /* "--dim", "N=1", ...; NULL-terminated, or NULL */
    const volatile sig_atomic_t *stop;
    void (*say)(void *with, const char *text); /* progress: one line */
    void *say_with;
};

/* Fills the measured fields of *evidence; targets, the rate, costs and the like are the caller's,
 * and targets and the rate are read.  Everything is the pool's.
 *
 * Fails when there is nothing to judge: no rules file, a program that cannot be started, nobody who
 * answers at the URL, no interpreter that can be read (ASHORE_ERR_STATE), a profile that cannot be
 * imported. Processes never outlive the call. */
int assess_measure(const struct assess_measure_options *options, struct assess_pool *pool,
                   struct assess_evidence *evidence, struct ashore_error *err);

/* measure_model.c: the model's time natively and in WebAssembly, by running `bench` of this
 * program. ASHORE_ERR_STATE when the native engine cannot run it. */
int assess_measure_model(const struct assess_measure_options *options, struct assess_pool *pool,
                         struct assess_model_timing *timing, struct ashore_error *err);

/* measure_download.c: bytes that a page with the engine and the model (NULL: none) fetches,
 * compressed by brotli; 0 when that cannot be measured. */
double assess_measure_download(const char *package, const char *model, struct assess_pool *pool,
                               const volatile sig_atomic_t *stop);

#endif
