/* Ends of a process image that run no destructors: the trace is ended in order before them.  An
 * exec() that fails goes on with a new file. */
#include "sampler_next.h"

#include <unistd.h>

static bool stop_for(const char *path) { return access(path, X_OK) == 0 && sampler_stop(); }

static int resume(bool stopped, int result) {
    if (stopped) sampler_start();
    return result;
}

EXPORT int execve(const char *path, char *const arguments[], char *const environment[]) {
    NEXT(int, execve, const char *, char *const[], char *const[]);
    bool stopped = stop_for(path);
    return resume(stopped, next(path, arguments, environment));
}

EXPORT int execv(const char *path, char *const arguments[]) {
    NEXT(int, execv, const char *, char *const[]);
    bool stopped = stop_for(path);
    return resume(stopped, next(path, arguments));
}

EXPORT int fexecve(int file, char *const arguments[], char *const environment[]) {
    NEXT(int, fexecve, int, char *const[], char *const[]);
    bool stopped = sampler_stop();
    return resume(stopped, next(file, arguments, environment));
}

/* Under the C library's names; _Exit is another for _exit. */
EXPORT void exit_at_once(int status) __asm__("_exit");
EXPORT void exit_at_once_too(int status) __asm__("_Exit");

void exit_at_once(int status) {
    NEXT(void, _exit, int);
    sampler_stop();
    next(status);
}

void exit_at_once_too(int status) { exit_at_once(status); }
