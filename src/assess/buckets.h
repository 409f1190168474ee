/* The buckets that wall time is attributed to. */
#ifndef ASH_ASSESS_BUCKETS_H
#define ASH_ASSESS_BUCKETS_H

/* X(NAME, "name in files", "name in sentences", "what it means").  A port attacks the first alone.
 */
#define ASSESS_BUCKET_LIST(X)                                                                      \
    X(INTERPRETER, "interpreter", "interpreter", "Python code and glue")                           \
    X(COMPUTE, "compute", "compute", "native code of the model and other libraries")               \
    X(IO, "io", "IO", "waiting for or moving bytes of sockets, files and children")                \
    X(MARSHALLING, "marshalling", "marshalling", "copies, conversions, serialising, encryption")   \
    X(GIL_WAIT, "gil_wait", "GIL wait",                                                            \
      "runnable, but another thread holds the interpreter's lock")                                 \
    X(LOCK_WAIT, "lock_wait", "lock wait", "waiting for another thread")                           \
    X(DEVICE_WAIT, "device_wait", "device wait", "waiting for a GPU or other device")              \
    X(GC, "gc", "GC", "the interpreter collects garbage")                                          \
    X(IDLE, "idle", "idle", "nothing to do: no request is there")                                  \
    X(UNKNOWN, "unknown", "unknown", "code that belongs to no file, such as JIT output")

enum assess_bucket {
#define ASSESS_BUCKET_ROW(name, text, title, meaning) ASSESS_##name,
    ASSESS_BUCKET_LIST(ASSESS_BUCKET_ROW)
#undef ASSESS_BUCKET_ROW
        ASSESS_BUCKETS
};

extern const char *const assess_bucket_names[ASSESS_BUCKETS];
extern const char *const assess_bucket_titles[ASSESS_BUCKETS]; /* "GIL wait" */
extern const char *const assess_bucket_meanings[ASSESS_BUCKETS];

#endif
