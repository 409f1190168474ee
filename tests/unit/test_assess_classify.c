/* From stacks and system calls to buckets: one thread, one sample, one answer each. */
#define _GNU_SOURCE
#include "trace_writer.h"

#include "assess/classify.h"
#include "assess/symbols.h"

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <cmocka.h>

/* Where things lie in the process of these tests: objects begin a little before. */
enum {
    PYTHON = 0x10010,
    LIBC = 0x20010,
    MEMCPY = LIBC + 0x100,
    RECV = LIBC + 0x200,
    YIELD = LIBC + 0x300,
    SLEEP = LIBC + 0x400,
    COND = LIBC + 0x500,
    BLAS = 0x30010,
    JSON = 0x40010,
    CUDA = 0x50010,
    OWN = 0x60010,
    SSL = 0x70010,
    PICKLE = PYTHON + 0x200,
    JOIN = PYTHON + 0x300,
    NOWHERE = 0x900000
};

enum { APP, ENCODER, WORKER, WAIT, GET, BOOTSTRAP, TARGET, CODES };

static struct bed {
    struct trace_writer writer;
    struct assess_pool pool;
    struct assess_rules *rules;
    struct assess_trace trace;
    struct assess_symbol_files files;
    struct assess_image image;
    char folder[64], path[128];
} bed;

static void begin(void) {
    memset(&bed, 0, sizeof bed);
    struct trace_writer *w = &bed.writer;
    put_start(w, WRITER_PID);
    put_python(w);
    put_object(w, PYTHON - 16, "/usr/bin/python3.11", ASSESS_OBJECT_PYTHON);
    put_object(w, LIBC - 16, "/nowhere/libc.so.6", 0);
    put_object(w, BLAS - 16, "/nowhere/libopenblas.so.0", 0);
    put_object(w, JSON - 16, "/nowhere/_json.cpython-311.so", 0);
    put_object(w, CUDA - 16, "/nowhere/libcuda.so.1", 0);
    put_object(w, OWN - 16, "/nowhere/libown.so", 0);
    put_object(w, SSL - 16, "/nowhere/libssl.so.3", 0);
    put_entry(w, MEMCPY, "memcpy");
    put_entry(w, RECV, "__libc_recv");
    put_entry(w, YIELD, "sched_yield");
    put_entry(w, SLEEP, "clock_nanosleep");
    put_entry(w, COND, "pthread_cond_timedwait");
    put_entry(w, PICKLE, "_pickle.dumps");
    put_entry(w, JOIN, "_PyUnicode_JoinArray");
    put_code(w, "/srv/app.py", "handle");
    put_code(w, "/usr/lib/python3.11/json/encoder.py", "_iterencode");
    put_code(w, "/usr/lib/python3.11/concurrent/futures/thread.py", "_worker");
    put_code(w, "/usr/lib/python3.11/threading.py", "Condition.wait");
    put_code(w, "/usr/lib/python3.11/queue.py", "Queue.get");
    put_code(w, "/usr/lib/python3.11/threading.py", "Thread._bootstrap");
    put_code(w, "/srv/app.py", "batcher");
}

/* One stack: native and Python frames, leaf first. */
static struct assess_stack_facts judge(const uint64_t *native, size_t native_count,
                                       const uint32_t *codes, size_t count, uint32_t flags) {
    begin();
    put_stack(&bed.writer, codes, count, native, native_count, flags);
    make_folder(bed.folder);
    write_file(bed.folder, WRITER_PID, bed.writer.bytes, bed.writer.size);
    trace_path(bed.path, bed.folder, WRITER_PID);
    struct assess_rec_sample sample;
    struct assess_stack_facts facts;
    assert_int_equal(assess_rules_create(NULL, &bed.rules, NULL), ASHORE_OK);
    assert_int_equal(assess_trace_open(bed.path, &bed.pool, &bed.trace, NULL), ASHORE_OK);
    assert_int_equal(assess_trace_next(&bed.trace, &sample, NULL), 0);
    assert_int_equal(
        assess_image_init(&bed.image, &bed.trace, bed.rules, &bed.files, &bed.pool, NULL),
        ASHORE_OK);
    assert_int_equal(assess_classify_stack(&bed.image, 0, &facts, NULL), ASHORE_OK);
    assess_image_deinit(&bed.image);
    assess_symbol_files_deinit(&bed.files);
    assess_trace_close(&bed.trace);
    assess_rules_destroy(&bed.rules);
    assess_pool_deinit(&bed.pool);
    drop_folder(bed.folder, &(unsigned){WRITER_PID}, 1);
    return facts;
}

#define FRAMES(...) (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8
#define CODE(...)   (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4

static enum assess_bucket running(struct assess_stack_facts facts) {
    struct assess_rec_sample s = {.syscall = -1, .flags = ASSESS_SAMPLE_PYTHON};
    return assess_classify(&s, &facts, ASSESS_DEMAND_UNKNOWN);
}

static enum assess_bucket blocked(struct assess_stack_facts facts, int call,
                                  enum assess_demand demand) {
    struct assess_rec_sample s = {
        .syscall = (int16_t)call, .flags = ASSESS_SAMPLE_PYTHON, .args = {1, 1}};
    return assess_classify(&s, &facts, demand);
}

static void running_code_belongs_to_its_owner(void **state) {
    (void)state;
    const uint64_t loop = PYTHON + 0x800;
    assert_int_equal(running(judge(FRAMES(loop), CODE(APP), 0)), ASSESS_INTERPRETER);
    assert_int_equal(running(judge(FRAMES(loop), CODE(ENCODER, APP), 0)), ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(loop), CODE(WORKER), 0)), ASSESS_INTERPRETER);
    assert_int_equal(running(judge(FRAMES(BLAS, loop), CODE(APP), 0)), ASSESS_COMPUTE);
    assert_int_equal(running(judge(FRAMES(OWN, loop), CODE(APP), 0)), ASSESS_COMPUTE);
    assert_int_equal(running(judge(FRAMES(SSL, loop), CODE(APP), 0)), ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(CUDA, loop), CODE(APP), 0)), ASSESS_DEVICE_WAIT);
    assert_int_equal(running(judge(FRAMES(NOWHERE, loop), CODE(APP), 0)), ASSESS_UNKNOWN);
    /* A thread that could not be asked: interpreter code if it holds the lock. */
    struct assess_stack_facts silent = judge(NULL, 0, CODE(APP), 0);
    assert_int_equal(running(silent), ASSESS_UNKNOWN);
    struct assess_rec_sample s = {.syscall = -1, .flags = ASSESS_SAMPLE_HOLDS_GIL};
    assert_int_equal(assess_classify(&s, &silent, ASSESS_DEMAND_UNKNOWN), ASSESS_INTERPRETER);
}

static void the_c_library_works_for_its_caller(void **state) {
    (void)state;
    const uint64_t loop = PYTHON + 0x800, other = LIBC + 0x800;
    assert_int_equal(running(judge(FRAMES(other, BLAS, loop), CODE(APP), 0)), ASSESS_COMPUTE);
    assert_int_equal(running(judge(FRAMES(other, other, loop), CODE(APP), 0)), ASSESS_INTERPRETER);
    assert_int_equal(running(judge(FRAMES(other), CODE(APP), 0)), ASSESS_INTERPRETER);
    assert_int_equal(running(judge(FRAMES(other), CODE(APP), ASSESS_STACK_NATIVE_CUT)),
                     ASSESS_UNKNOWN);
    assert_int_equal(running(judge(FRAMES(MEMCPY, BLAS, loop), CODE(APP), 0)), ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(MEMCPY, loop), CODE(APP), 0)), ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(MEMCPY, JOIN + 8, loop), CODE(APP), 0)),
                     ASSESS_INTERPRETER);
    assert_int_equal(running(judge(FRAMES(MEMCPY, JOIN + 8, loop), CODE(ENCODER), 0)),
                     ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(RECV, loop), CODE(APP), 0)), ASSESS_IO);
    assert_int_equal(running(judge(FRAMES(RECV, CUDA, loop), CODE(APP), 0)), ASSESS_DEVICE_WAIT);
    assert_int_equal(running(judge(FRAMES(YIELD, BLAS, loop), CODE(APP), 0)), ASSESS_COMPUTE);
    assert_int_equal(running(judge(FRAMES(YIELD, loop), CODE(APP), 0)), ASSESS_LOCK_WAIT);
    /* On the way into or out of a wait. */
    assert_int_equal(running(judge(FRAMES(SLEEP, loop), CODE(APP), 0)), ASSESS_IDLE);
    assert_int_equal(running(judge(FRAMES(COND, loop), CODE(APP), 0)), ASSESS_GIL_WAIT);
    assert_int_equal(running(judge(FRAMES(COND, BLAS, loop), CODE(APP), 0)), ASSESS_COMPUTE);
    assert_int_equal(running(judge(FRAMES(COND, OWN, loop), CODE(APP), 0)), ASSESS_LOCK_WAIT);
}

static void serialisers_own_what_they_call(void **state) {
    (void)state;
    const uint64_t loop = PYTHON + 0x800, object = PYTHON + 0x400;
    assert_int_equal(running(judge(FRAMES(object, JSON, loop), CODE(APP), 0)), ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(object, OWN, loop), CODE(APP), 0)), ASSESS_INTERPRETER);
    assert_int_equal(running(judge(FRAMES(object, PICKLE + 8, loop), CODE(APP), 0)),
                     ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(PICKLE + 8, loop), CODE(APP), 0)), ASSESS_MARSHALLING);
    assert_int_equal(running(judge(FRAMES(OWN, PICKLE + 8, loop), CODE(APP), 0)),
                     ASSESS_MARSHALLING);
}

static void waiting_depends_on_what_for(void **state) {
    (void)state;
    struct assess_stack_facts plain = judge(FRAMES(LIBC, PYTHON), CODE(APP), 0);
    assert_int_equal(blocked(plain, SYS_futex, ASSESS_DEMAND_UNKNOWN), ASSESS_LOCK_WAIT);
    assert_int_equal(blocked(plain, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_LOCK_WAIT);
    assert_int_equal(blocked(plain, SYS_futex, ASSESS_DEMAND_NONE), ASSESS_IDLE);
    assert_int_equal(blocked(plain, SYS_recvfrom, ASSESS_DEMAND_UNKNOWN), ASSESS_IO);
    assert_int_equal(blocked(plain, SYS_recvfrom, ASSESS_DEMAND_SOME), ASSESS_IO);
    assert_int_equal(blocked(plain, SYS_recvfrom, ASSESS_DEMAND_NONE), ASSESS_IDLE);
    assert_int_equal(blocked(plain, SYS_fsync, ASSESS_DEMAND_NONE), ASSESS_IO);
    assert_int_equal(blocked(plain, SYS_clock_nanosleep, ASSESS_DEMAND_SOME), ASSESS_IO);
    assert_int_equal(blocked(plain, SYS_clock_nanosleep, ASSESS_DEMAND_NONE), ASSESS_IDLE);
    assert_int_equal(blocked(plain, SYS_clock_nanosleep, ASSESS_DEMAND_UNKNOWN), ASSESS_IDLE);
    assert_int_equal(blocked(plain, SYS_munmap, ASSESS_DEMAND_NONE), ASSESS_INTERPRETER);
    assert_int_equal(blocked(plain, SYS_rt_sigtimedwait, ASSESS_DEMAND_SOME), ASSESS_IDLE);
    assert_int_equal(blocked(plain, 32000, ASSESS_DEMAND_SOME), ASSESS_IO);
    struct assess_stack_facts blas = judge(FRAMES(LIBC, BLAS, PYTHON), CODE(APP), 0);
    assert_int_equal(blocked(blas, SYS_futex, ASSESS_DEMAND_NONE), ASSESS_COMPUTE);
    assert_int_equal(blocked(blas, SYS_sched_yield, ASSESS_DEMAND_NONE), ASSESS_COMPUTE);
    struct assess_stack_facts cuda = judge(FRAMES(LIBC, CUDA, OWN, PYTHON), CODE(APP), 0);
    assert_int_equal(blocked(cuda, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_DEVICE_WAIT);
    assert_int_equal(blocked(cuda, SYS_ioctl, ASSESS_DEMAND_SOME), ASSESS_DEVICE_WAIT);
    assert_int_equal(blocked(cuda, SYS_ppoll, ASSESS_DEMAND_NONE), ASSESS_DEVICE_WAIT);
    struct assess_stack_facts own = judge(FRAMES(LIBC, OWN, PYTHON), CODE(APP), 0);
    assert_int_equal(blocked(own, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_LOCK_WAIT);
}

static void workers_without_work_are_idle(void **state) {
    (void)state;
    struct assess_stack_facts pool = judge(FRAMES(LIBC, PYTHON), CODE(WORKER, BOOTSTRAP), 0);
    assert_int_equal(blocked(pool, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_IDLE);
    /* A thread's own function at its queue: idle; a function further in: it waits for its data. */
    struct assess_stack_facts own =
        judge(FRAMES(LIBC, PYTHON), CODE(WAIT, GET, TARGET, BOOTSTRAP, BOOTSTRAP), 0);
    assert_int_equal(blocked(own, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_IDLE);
    struct assess_stack_facts inner =
        judge(FRAMES(LIBC, PYTHON), CODE(WAIT, GET, APP, TARGET, BOOTSTRAP), 0);
    assert_int_equal(blocked(inner, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_LOCK_WAIT);
    struct assess_stack_facts main_thread = judge(FRAMES(LIBC, PYTHON), CODE(WAIT, GET, APP), 0);
    assert_int_equal(blocked(main_thread, SYS_futex, ASSESS_DEMAND_SOME), ASSESS_LOCK_WAIT);
}

static void flags_come_first(void **state) {
    (void)state;
    struct assess_stack_facts facts = judge(FRAMES(LIBC, BLAS, PYTHON), CODE(APP), 0);
    struct assess_rec_sample s = {.syscall = SYS_futex, .flags = ASSESS_SAMPLE_GIL_WAIT};
    assert_int_equal(assess_classify(&s, &facts, ASSESS_DEMAND_NONE), ASSESS_GIL_WAIT);
    s = (struct assess_rec_sample){.syscall = -1, .flags = ASSESS_SAMPLE_GC};
    assert_int_equal(assess_classify(&s, &facts, ASSESS_DEMAND_NONE), ASSESS_GC);
    s = (struct assess_rec_sample){.syscall = SYS_recvfrom, .flags = ASSESS_SAMPLE_FOR_REQUEST};
    assert_int_equal(assess_classify(&s, &facts, ASSESS_DEMAND_SOME), ASSESS_IDLE);
    /* select and poll of nothing are sleep. */
    struct assess_stack_facts plain = judge(FRAMES(LIBC, PYTHON), CODE(APP), 0);
    s = (struct assess_rec_sample){.syscall = SYS_pselect6, .args = {0, 0}};
    assert_int_equal(assess_classify(&s, &plain, ASSESS_DEMAND_UNKNOWN), ASSESS_IDLE);
    s.args[0] = 4;
    assert_int_equal(assess_classify(&s, &plain, ASSESS_DEMAND_UNKNOWN), ASSESS_IO);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static uint32_t object_at(uint64_t address) {
    uint32_t site = assess_image_site(&bed.image, address, false);
    assert_true(site != UINT32_MAX);
    return bed.image.sites[site].object;
}

static void the_later_of_overlapping_objects_wins(void **state) {
    (void)state;
    memset(&bed, 0, sizeof bed);
    struct assess_trace_object objects[] = {
        {0x1000, 0x5000, 0, 0, "a", "a"},
        {0x2000, 0x3000, 0, 0, "b", "b"},
        {0x2800, 0x6000, 0, 0, "c", "c"},
        {0x9000, 0x9000, 0, 0, "empty", "empty"},
        {0xa000, 0x8000, 0, 0, "backwards", "backwards"},
        {UINT64_MAX - 1, UINT64_MAX, 0, 0, "end", "end"},
    };
    struct assess_trace trace = {.objects = objects, .object_count = 6};
    assert_int_equal(assess_rules_create(NULL, &bed.rules, NULL), ASHORE_OK);
    assert_int_equal(assess_image_init(&bed.image, &trace, bed.rules, &bed.files, &bed.pool, NULL),
                     ASHORE_OK);
    static const struct {
        uint64_t address;
        uint32_t object;
    } cases[] = {
        {0, UINT32_MAX},      {0xfff, UINT32_MAX},
        {0x1000, 0},          {0x1fff, 0},
        {0x2000, 1},          {0x27ff, 1},
        {0x2800, 2},          {0x5fff, 2},
        {0x6000, UINT32_MAX}, {0x9000, UINT32_MAX},
        {0x8800, UINT32_MAX}, {0xa000, UINT32_MAX},
        {UINT64_MAX - 1, 5},  {UINT64_MAX, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(object_at(cases[i].address), cases[i].object);
    }
    assess_image_deinit(&bed.image);
    assess_symbol_files_deinit(&bed.files);
    assess_rules_destroy(&bed.rules);
    assess_pool_deinit(&bed.pool);
}

static void names_are_made_readable(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    static const char *const cases[][2] = {
        {"_ZN11onnxruntime4cuda4Gemm7ComputeEPNS_15OpKernelContextE",
         "onnxruntime::cuda::Gemm::Compute"},
        {"_ZNK2at6Tensor4sizeEl", "at::Tensor::size"},
        {"_ZN5eigen6detailINS_4PairIfLi3EEEE3runEv", "eigen::detail::run"},
        {"_ZN12_GLOBAL__N_13runEv", "(anonymous)::run"},
        {"_Z6squarei", "square"},
        {"cblas_sgemm", NULL},
        {"_ZN", NULL},
        {"_ZN99999999999999999999aE", NULL},
        {"_ZN3fooI", NULL},
        {"_ZN3fooIXE", NULL},
        {"_Z", NULL},
        {"_ZN5abE", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = assess_demangle(cases[i][0], &pool);
        if (cases[i][1]) {
            assert_non_null(name);
            assert_string_equal(name, cases[i][1]);
        } else if (name) {
            fail_msg("%s: %s", cases[i][0], name);
        }
    }
    assess_pool_deinit(&pool);
}

/* ---- ELF ------------------------------------------------------------------------------------ */

int assess_test_landmark(int x);
__attribute__((visibility("default"), noinline)) int assess_test_landmark(int x) { return x * 3; }

/* Any change of a byte of a real file, and any cut, is survived; the file itself has names. */
static void elf_files_may_be_anything(void **state) {
    (void)state;
    FILE *self = fopen("/proc/self/exe", "rb");
    assert_non_null(self);
    static unsigned char head[4096];
    assert_int_equal(fread(head, 1, sizeof head, self), sizeof head);
    fclose(self);
    char path[] = "/tmp/assess_elf_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        unsigned char bytes[sizeof head];
        memcpy(bytes, head, sizeof head);
        for (int k = 0; k < 1 + round % 4; k++) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % (round % 2 ? 64 : 1024)] = (unsigned char)(random >> 24);
        }
        size_t size = round % 3 ? sizeof bytes : random % sizeof bytes;
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
        struct assess_symbols *symbols = assess_symbols_open(path);
        const char *name = NULL;
        uint64_t low = 0;
        size_t length = 0;
        for (uint64_t a = 0; a < 64; a++) {
            name = NULL;
            if (assess_symbols_find(symbols, a * 977, &name, &low) && name) length += strlen(name);
        }
        assert_true(length < sizeof head * 64);
        assess_symbols_close(&symbols);
    }
    close(fd);
    unlink(path);
    assert_null(assess_symbols_open("/dev/zero"));
    assert_null(assess_symbols_open("/nowhere"));
    struct assess_symbols *none = NULL;
    assert_false(assess_symbols_find(none, 1, &(const char *){NULL}, &(uint64_t){0}));
}

/* The program itself comes first. */
static int take_bias(struct dl_phdr_info *info, size_t size, void *bias) {
    (void)size;
    memcpy(bias, &info->dlpi_addr, sizeof info->dlpi_addr);
    return 1;
}

static void functions_are_found_by_address(void **state) {
    (void)state;
    struct assess_symbols *symbols = assess_symbols_open("/proc/self/exe");
    assert_non_null(symbols);
    uint64_t bias = 0;
    dl_iterate_phdr(take_bias, &bias);
    uint64_t address = (uint64_t)(uintptr_t)assess_test_landmark - bias;
    const char *name = NULL;
    uint64_t low = 0;
    bool found = assess_symbols_find(symbols, address + 1, &name, &low);
    assert_true(found);
    assert_non_null(name);
    assert_string_equal(name, "assess_test_landmark");
    assert_true(low == address);
    assert_false(assess_symbols_find(symbols, 1, &name, &low));
    assess_symbols_close(&symbols);
    assert_null(symbols);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_code_belongs_to_its_owner),
        cmocka_unit_test(the_c_library_works_for_its_caller),
        cmocka_unit_test(serialisers_own_what_they_call),
        cmocka_unit_test(waiting_depends_on_what_for),
        cmocka_unit_test(workers_without_work_are_idle),
        cmocka_unit_test(flags_come_first),
        cmocka_unit_test(the_later_of_overlapping_objects_wins),
        cmocka_unit_test(names_are_made_readable),
        cmocka_unit_test(elf_files_may_be_anything),
        cmocka_unit_test(functions_are_found_by_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
