/* Searches for WebAssembly, in place of the C library's, which go by words: names are short, and
 * the module is counted in bytes. */
#include <string.h>

#if defined(__wasm__)

size_t strlen(const char *s) {
    size_t n = 0;
    while (s[n]) n++;
    return n;
}

void *memchr(const void *s, int c, size_t n) {
    const unsigned char *p = s;
    for (; n; n--, p++) {
        if (*p == (unsigned char)c) return (void *)(size_t)p;
    }
    return NULL;
}

char *strchr(const char *s, int c) { return memchr(s, c, strlen(s) + 1); }

char *strstr(const char *s, const char *part) {
    const size_t n = strlen(part);
    for (; strncmp(s, part, n) != 0; s++) {
        if (!*s) return NULL;
    }
    return (char *)(size_t)s;
}

#endif
