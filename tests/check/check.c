/* check_kernels [FILTER] [--seed=N|time] [--bench] [--require=ISA,...] [--cpu=ISA,...] [--list] */
#define _GNU_SOURCE
#include "check/check.h"

#include "base/cpu.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__wasm_relaxed_simd__)
#    include <wasm_simd128.h>
#endif
#if !defined(__wasm__)
#    include <setjmp.h>
#    include <signal.h>
#    include <sys/mman.h>
#    include <unistd.h>
#endif

#define CHECK(fam) void check_##fam(void);
#include "check_list.inc"
#undef CHECK

enum {
    PAGE = 65536, /* a multiple of every page size in use */
    MARGIN = 256, /* watched on the sides that no guard page protects */
    PATTERN = 0xA5,
    ROWS_MAX = 1024
};
#if defined(__wasm__)
static const size_t slot_room = (size_t)24 << 20;
#else
static const size_t slot_room = (size_t)128 << 20;
#endif

struct slot {
    unsigned char *base; /* slot_room bytes, guard pages around them */
    unsigned char *data; /* NULL: not in use */
    size_t size;
};

static struct {
    struct slot slot[CHK_SLOTS];
    enum chk_place place;
    uint32_t random, seed;
    const char *filter, *row;
    bool bench, list;
    bool row_open, row_failed;
    int row_messages;
    int passed, failed, skipped;
    const char *seen[ROWS_MAX]; /* names of rows that were exercised */
    int seen_count;
} chk;

uint32_t chk_rand(void) {
    chk.random ^= chk.random << 13;
    chk.random ^= chk.random >> 17;
    chk.random ^= chk.random << 5;
    return chk.random;
}

size_t chk_below(size_t n) { return n ? chk_rand() % n : 0; }

float chk_f32(float lo, float hi) { return lo + (hi - lo) * (float)(chk_rand() >> 8) * 0x1p-24f; }

void chk_fill(float *p, size_t n, float lo, float hi) {
    for (size_t i = 0; i < n; i++) p[i] = chk_f32(lo, hi);
}

void chk_fill_special(float *p, size_t n) {
    static const float special[] = {NAN,    INFINITY, -INFINITY, 0.0f,     -0.0f,
                                    1e-42f, -1e-42f,  FLT_MAX,   -FLT_MAX, FLT_MIN};
    for (size_t i = 0; i < n; i++) {
        bool plain = chk_rand() % 4 != 0;
        p[i] = plain ? chk_f32(-4, 4) : special[chk_below(sizeof special / sizeof *special)];
    }
}

void chk_place(enum chk_place place) { chk.place = place; }

static void die(const char *what) {
    printf("check: %s\n", what);
    exit(2);
}

static unsigned char *slot_map(void) {
#if defined(__wasm__)
    unsigned char *p = malloc(slot_room);
    if (!p) die("out of memory");
    return p;
#else
    unsigned char *p = mmap(NULL, slot_room + 2 * PAGE, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) die("no address space");
    if (mprotect(p + PAGE, slot_room, PROT_READ | PROT_WRITE)) die("mprotect failed");
    return p + PAGE;
#endif
}

void *chk_buf(int slot, size_t bytes) {
    if (slot < 0 || slot >= CHK_SLOTS || bytes + 2 * MARGIN + 64 > slot_room) die("bad chk_buf");
    struct slot *s = &chk.slot[slot];
    if (!s->base) s->base = slot_map();
    size_t at = chk.place == CHK_END ? slot_room - bytes : chk.place == CHK_ODD ? MARGIN + 4 : 0;
    s->data = s->base + at;
    s->size = bytes;
    size_t from = at > MARGIN ? at - MARGIN : 0;
    size_t to = at + bytes + MARGIN < slot_room ? at + bytes + MARGIN : slot_room;
    memset(s->base + from, PATTERN, to - from);
    return s->data;
}

float *chk_floats(int slot, size_t n) { return chk_buf(slot, n * sizeof(float)); }

void *chk_scratch(int slot, size_t bytes) {
    enum chk_place place = chk.place;
    if (place == CHK_ODD) chk.place = CHK_START;
    void *p = chk_buf(slot, (bytes + 15) / 16 * 16);
    chk.place = place;
    return p;
}

static bool margins_intact(const struct slot *s) {
    size_t at = (size_t)(s->data - s->base);
    size_t from = at > MARGIN ? at - MARGIN : 0;
    size_t end = at + s->size;
    size_t to = end + MARGIN < slot_room ? end + MARGIN : slot_room;
    for (size_t i = from; i < at; i++) {
        if (s->base[i] != PATTERN) return false;
    }
    for (size_t i = end; i < to; i++) {
        if (s->base[i] != PATTERN) return false;
    }
    return true;
}

static void row_end(void) {
    if (!chk.row_open) return;
    chk.row_open = false;
    if (chk.row_failed) {
        chk.failed++;
    } else {
        chk.passed++;
    }
}

bool chk_begin(const char *row, uint32_t cpu) {
    row_end();
    if (chk.filter && !strstr(row, chk.filter)) return false;
    if ((cpu & ash_cpu_flags()) != cpu) {
        chk.skipped++;
        printf("SKIP %s: the processor lacks it\n", row);
        return false;
    }
    if (chk.list) {
        printf("%s\n", row);
        return false;
    }
    if (chk.seen_count < ROWS_MAX) chk.seen[chk.seen_count++] = row;
    for (int i = 0; i < CHK_SLOTS; i++) chk.slot[i].data = NULL;
    chk.row = row;
    chk.row_open = true;
    chk.row_failed = false;
    chk.row_messages = 0;
    chk.random = chk.seed;
    return true;
}

/* "avx2" is a part of "gemm_f32_avx2_6x16", and of "softmax_f32_avx2". */
static bool row_has_isa(const char *row, const char *isa, size_t n) {
    for (const char *p = row; (p = strchr(p, '_')); p++) {
        if (!strncmp(p + 1, isa, n) && (p[1 + n] == '\0' || p[1 + n] == '_')) return true;
    }
    return false;
}

#if defined(__wasm_relaxed_simd__)
/* What relaxed rows do is the host's choice. */
static bool host_fuses(void) {
    v128_t x = wasm_f32x4_splat(1 + 0x1p-23f), square = wasm_f32x4_splat(1 + 0x1p-22f);
    v128_t rest = wasm_f32x4_relaxed_madd(x, x, wasm_f32x4_neg(square));
    return wasm_v128_any_true(wasm_f32x4_ne(rest, wasm_f32x4_splat(0)));
}
#endif

bool chk_fused(uint32_t cpu) {
#if defined(__x86_64__) || defined(__aarch64__)
    if (row_has_isa(chk.row, "ref", 3)) return true;
    return (cpu & (ASH_CPU_AVX2 | ASH_CPU_AVX512 | ASH_CPU_VNNI | ASH_CPU_NEON)) != 0;
#elif defined(__wasm_relaxed_simd__)
    return cpu & ASH_CPU_RELAXED ? host_fuses() : cpu == 0;
#else
    (void)cpu;
    return true; /* nothing is fused, in any row */
#endif
}

void chk_fail(const char *fmt, ...) {
    chk.row_failed = true;
    if (chk.row_messages++ >= 3) return;
    va_list ap;
    va_start(ap, fmt);
    printf("FAIL %s: ", chk.row);
    vprintf(fmt, ap);
    printf(" (--seed=%u)\n", (unsigned)chk.seed);
    va_end(ap);
}

bool chk_same(float got, float want) {
    if (isnan(want)) return isnan(got);
    return memcmp(&got, &want, sizeof got) == 0;
}

size_t chk_diff(const float *got, const float *want, size_t n) {
    size_t i = 0;
    while (i < n && chk_same(got[i], want[i])) i++;
    return i;
}

bool chk_bound(float got, double want, double magnitude, double n) {
    if (isnan(want) || isnan(magnitude)) return isnan(got);
    if (isinf(want) || isinf(magnitude)) return (double)got == want || isnan(got);
    return fabs((double)got - want) <= n * (double)FLT_EPSILON * fmax(magnitude, (double)FLT_MIN);
}

bool chk_ulp(float got, double want, double ulps) {
    if (isnan(want)) return isnan(got);
    if (isinf((float)want) || isinf(got)) {
        /* One ulp more or less may cross into infinity. */
        return (float)want == got || (fabs(want) > (double)FLT_MAX * (1 - 1e-6) &&
                                      fabs((double)got) >= (double)FLT_MAX * (1 - 1e-6));
    }
    int e;
    frexp(want, &e);
    if (e < FLT_MIN_EXP) e = FLT_MIN_EXP;
    return fabs((double)got - want) <= ulps * ldexp(1.0, e - FLT_MANT_DIG);
}

bool chk_norm(const float *got, const double *want, size_t n, double constant, double scale) {
    double worst = 0.0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - want[i]);
        if (!(d <= worst)) worst = d;
    }
    return worst <= constant * (double)FLT_EPSILON * scale;
}

bool chk_bench(void) { return chk.bench; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void chk_time(const char *label, double work, const char *unit, void (*fn)(void *), void *arg) {
    double best = 1e30, until = now() + 0.1;
    long batch = 1;
    do {
        double t0 = now();
        for (long i = 0; i < batch; i++) fn(arg);
        double t = now() - t0;
        if (t / (double)batch < best) best = t / (double)batch;
        if (t < 1e-4) batch *= 2;
    } while (now() < until);
    printf("BENCH %-28s %-28s %10.3f us %8.2f G%s/s\n", chk.row, label, best * 1e6,
           work / best * 1e-9, unit);
}

#if defined(__wasm__)
static bool run_guarded(void (*fn)(void *), void *arg) {
    fn(arg);
    return true;
}
#else
static sigjmp_buf fault_jump;
static volatile sig_atomic_t fault_armed;

static void on_fault(int sig) {
    static const char text[] = "check: a fault outside of chk_call\n";
    if (fault_armed) siglongjmp(fault_jump, sig);
    (void)!write(2, text, sizeof text - 1);
    _exit(3);
}

static bool run_guarded(void (*fn)(void *), void *arg) {
    int sig = sigsetjmp(fault_jump, 1);
    if (sig) {
        fault_armed = 0;
        chk_fail("%s", sig == SIGILL   ? "illegal instruction"
                       : sig == SIGFPE ? "arithmetic fault"
                                       : "touched memory beyond a buffer");
        return false;
    }
    fault_armed = 1;
    fn(arg);
    fault_armed = 0;
    return true;
}

static void arm_faults(void) {
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_fault;
    sa.sa_flags = SA_NODEFER;
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) sigaction(sigs[i], &sa, NULL);
}
#endif

bool chk_call(void (*fn)(void *), void *arg) {
    if (!run_guarded(fn, arg)) return false;
    bool intact = true;
    for (int i = 0; i < CHK_SLOTS; i++) {
        if (!chk.slot[i].data || margins_intact(&chk.slot[i])) continue;
        chk_fail("wrote beside the buffer of slot %d", i);
        chk.slot[i].data = NULL;
        intact = false;
    }
    return intact;
}

static void check_required(const char *names) {
    while (*names) {
        size_t n = strcspn(names, ",");
        bool found = false;
        for (int i = 0; i < chk.seen_count && !found; i++)
            found = row_has_isa(chk.seen[i], names, n);
        if (!found) {
            printf("FAIL no row for %.*s was exercised\n", (int)n, names);
            chk.failed++;
        }
        names += n + (names[n] == ',');
    }
}

static void mask_cpu(const char *names) {
    uint32_t mask = 0;
    while (*names) {
        char name[16] = {0};
        size_t n = strcspn(names, ",");
        if (n < sizeof name) memcpy(name, names, n);
        mask |= ash_cpu_bit(name);
        names += n + (names[n] == ',');
    }
    ash_cpu_mask(mask);
}

int main(int argc, char **argv) {
    const char *require = "";
    chk.seed = 1;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "--bench")) {
            chk.bench = true;
        } else if (!strcmp(a, "--list")) {
            chk.list = true;
        } else if (!strcmp(a, "--seed=time")) {
            chk.seed = (uint32_t)time(NULL);
        } else if (!strncmp(a, "--seed=", 7)) {
            chk.seed = (uint32_t)strtoul(a + 7, NULL, 0);
        } else if (!strncmp(a, "--require=", 10)) {
            require = a + 10;
        } else if (!strncmp(a, "--cpu=", 6)) {
            mask_cpu(a + 6);
        } else if (a[0] == '-') {
            printf("check: unknown option %s\n", a);
            return 2;
        } else {
            chk.filter = a;
        }
    }
    if (chk.seed == 0) chk.seed = 1; /* the generator stands still at 0 */
    if (!chk.list) printf("seed %u\n", (unsigned)chk.seed);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
#if !defined(__wasm__)
    arm_faults();
#endif
#define CHECK(fam) check_##fam();
#include "check_list.inc"
#undef CHECK
    row_end();
    if (chk.list) return 0;
    check_required(require);
    printf("%d passed, %d failed, %d skipped\n", chk.passed, chk.failed, chk.skipped);
    return chk.failed != 0 || chk.passed == 0;
}
