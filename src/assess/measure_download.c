#include "measure.h"

#include <sys/stat.h>

/* What brotli makes of a file; the file's own size where that is smaller, or more than the 16 MiB
 * that a command may print. 0 when there is no such file or no brotli. */
static double compressed_size(const char *path, struct assess_pool *pool,
                              const volatile sig_atomic_t *stop) {
    struct stat info;
    if (stat(path, &info) || !S_ISREG(info.st_mode)) return 0;
    const double whole = (double)info.st_size;
    if (whole > 32e6) return whole; /* weights hardly get smaller, and this would take minutes */
    const char *argv[] = {"brotli", "--stdout", "--quality=9", "--", path, NULL};
    char *bytes;
    size_t size;
    if (assess_process_output(argv, pool, &bytes, &size, stop, NULL)) {
        const char *version[] = {"brotli", "--version", NULL};
        return assess_process_output(version, pool, &bytes, &size, stop, NULL) ? 0 : whole;
    }
    return (double)size < whole ? (double)size : whole;
}

double assess_measure_download(const char *package, const char *model, struct assess_pool *pool,
                               const volatile sig_atomic_t *stop) {
    /* What a page fetches in a current browser, without threads. */
    static const char *const files[] = {"ashore.js", "ashore-relaxed.wasm"};
    double sum = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = assess_format(pool, "%s/%s", package, files[i]);
        double size = path ? compressed_size(path, pool, stop) : 0;
        if (!(size > 0)) return 0;
        sum += size;
    }
    double weights = model ? compressed_size(model, pool, stop) : 0;
    return !model || weights > 0 ? sum + weights : 0;
}
