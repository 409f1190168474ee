/* A caller and its members meet over two words.  `generation` counts jobs: members that find
 * nothing to do wait on it.  `state` holds whether the job is open and how many members are inside:
 * a member enters only while the job is open, so that the caller, once the tiles are gone, closes
 * the job and waits for those inside alone, not for those that never woke.
 *
 * Every worker has a share of the tiles, the same part of every job: what it has written lies in
 * its own cache when it reads it in the next.  When its share is done it goes on with the others'.
 *
 * Waking a member takes longer than many a job does.  One that has nothing to do looks out for the
 * next job for as long as it takes to wake it several times over, before it sleeps; at first for a
 * shorter time, as it may have been woken on the caller's processor and stand in its way.  Sleepers
 * are woken when a run has had tiles worth it without them; when they fell asleep again before the
 * next job, the price doubles: the caller's own steps are long, or there are fewer processors.
 *
 * Natively members are threads of their own pool.  In WebAssembly with shared memory the host
 * starts them, each in an instance of its own over the same memory, by ash_pool_member; they belong
 * to one static pool, which a creation takes and a destruction gives back. */
#if !defined(_GNU_SOURCE)
#    define _GNU_SOURCE /* syscall */
#endif

#include "base/pool.h"

#include "base/error.h"
#include "base/heap.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#if defined(__wasm_atomics__)
#    define POOL_WASM 1
#elif defined(__wasm__) || defined(ASH_NO_THREADS)
#    define POOL_NONE 1
#else
#    define POOL_NATIVE 1
#    include <pthread.h>
#    include <sched.h>
#    include <signal.h>
#    if defined(__linux__)
#        define POOL_FUTEX 1
#        include <linux/futex.h>
#        include <sys/syscall.h>
#        include <unistd.h>
#    endif
#endif

#if defined(POOL_NONE)

int ash_pool_create(struct ash_heap *heap, size_t threads, struct ash_pool **pool,
                    struct ashore_error *err) {
    (void)heap;
    *pool = NULL;
    ASH_FAIL_IF(threads < 1 || threads > ASH_POOL_MAX, err, ARGUMENT, "%zu threads", threads);
    return ASHORE_OK;
}

void ash_pool_destroy(struct ash_pool **pool) { *pool = NULL; }

size_t ash_pool_threads(const struct ash_pool *pool) {
    (void)pool;
    return 1;
}

void ash_pool_begin(struct ash_pool *pool) { (void)pool; }

void ash_pool_watch(struct ash_pool *pool, const _Atomic uint32_t *word) {
    (void)pool;
    (void)word;
}

static void run(struct ash_pool *pool, size_t tiles, size_t work, ash_tile_fn *fn, void *arg) {
    (void)pool, (void)work;
    for (size_t tile = 0; tile < tiles; tile++) fn(arg, tile, 0);
}

#else

enum {
    STATE_OPEN = 1 << 8,
    STATE_INSIDE = STATE_OPEN - 1,
    STATE_LOST = STATE_OPEN << 1, /* WebAssembly: a member has trapped in a tile */
    SHARES = 8,
    IDLE_SPINS = 16384, /* of some 20 ns, before a member sleeps, */
    FIRST_SPINS = 2048, /* and after it has been woken */
    END_SPINS = 2048,   /* before the caller sleeps until members are done */
    YIELD_SPINS = 64,   /* before another thread of this processor may go on */
    LEAST_PRICE = 8,    /* tiles */
    MOST_PRICE = 1024
};

/* Tiles that are a worker's own. */
struct share {
    alignas(64) _Atomic size_t next;
    size_t end;
};

struct ash_pool {
    struct ash_heap *heap;
    size_t threads; /* that run tiles, the caller included */
    size_t members; /* that wait for jobs: in WebAssembly more than asked for, perhaps */
    size_t most;    /* of them that are to be awake at once */
    ash_tile_fn *fn;
    void *arg;
    size_t tiles;
    size_t unaided; /* tiles, or what is as much work, of the run since members were woken */
    size_t price;   /* so many are worth waking members for */
    /* Not 0: tiles are skipped. */
    const _Atomic uint32_t *watched;
    alignas(64) _Atomic uint32_t generation;
    _Atomic uint32_t quit;     /* behind generation, as ash_pool_words() says */
    _Atomic uint32_t sleeping; /* members waiting on generation */
    _Atomic uint32_t ready;    /* members that have checked in */
    alignas(64) _Atomic uint32_t state;
    struct share share[SHARES];
#    if defined(POOL_NATIVE)
    pthread_t thread[ASH_POOL_MAX];
#        if !defined(POOL_FUTEX)
    pthread_mutex_t mutex;
    pthread_cond_t changed;
#        endif
#    endif
};

/* Waits until *word is no longer `value`, or for no reason. */
static void pool_wait(struct ash_pool *pool, _Atomic uint32_t *word, uint32_t value) {
#    if defined(POOL_WASM)
    (void)pool;
    (void)__builtin_wasm_memory_atomic_wait32((int *)(uintptr_t)word, (int)value, -1);
#    elif defined(POOL_FUTEX)
    (void)pool;
    (void)syscall(SYS_futex, (void *)word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#    else
    (void)pthread_mutex_lock(&pool->mutex);
    while (atomic_load(word) == value) (void)pthread_cond_wait(&pool->changed, &pool->mutex);
    (void)pthread_mutex_unlock(&pool->mutex);
#    endif
}

static void pool_wake(struct ash_pool *pool, _Atomic uint32_t *word, size_t count) {
#    if defined(POOL_WASM)
    (void)pool;
    (void)__builtin_wasm_memory_atomic_notify((int *)(uintptr_t)word, (unsigned)count);
#    elif defined(POOL_FUTEX)
    (void)pool;
    (void)syscall(SYS_futex, (void *)word, FUTEX_WAKE_PRIVATE, (int)count, NULL, NULL, 0);
#    else
    (void)word;
    (void)count;
    (void)pthread_mutex_lock(&pool->mutex);
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);
#    endif
}

/* Some 20 ns.  WebAssembly has no such instruction, but a barrier takes as long. */
static inline void relax(void) {
#    if defined(POOL_WASM)
    atomic_thread_fence(memory_order_seq_cst);
#    elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#    elif defined(__aarch64__)
    __asm__ volatile("isb");
#    endif
}

/* The kernel may have put a member beside the caller that it waits for. */
static void give_way(void) {
#    if defined(POOL_NATIVE)
    (void)sched_yield();
#    endif
}

static const _Atomic uint32_t never;

static bool ended(const struct ash_pool *pool) {
    return atomic_load_explicit(pool->watched, memory_order_relaxed) != 0;
}

static size_t shares(const struct ash_pool *pool) {
    return pool->threads < SHARES ? pool->threads : SHARES;
}

static void deal(struct ash_pool *pool) {
    size_t n = shares(pool), each = pool->tiles / n, more = pool->tiles % n, first = 0;
    for (size_t i = 0; i < n; i++) {
        pool->share[i].end = first + each + (i < more);
        atomic_store_explicit(&pool->share[i].next, first, memory_order_relaxed);
        first = pool->share[i].end;
    }
}

/* The worker's own share first, then what is left of the others'. */
static void drain(struct ash_pool *pool, size_t worker) {
    size_t n = shares(pool), at = worker % n;
    for (size_t i = 0; i < n; i++) {
        struct share *share = &pool->share[at];
        size_t tile = atomic_load_explicit(&share->next, memory_order_relaxed);
        while (tile < share->end && !ended(pool)) {
            tile = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
            if (tile < share->end) pool->fn(pool->arg, tile, worker);
        }
        at = at + 1 < n ? at + 1 : 0;
    }
}

static bool enter(struct ash_pool *pool) {
    uint32_t state = atomic_load(&pool->state);
    while ((state & STATE_OPEN) != 0) {
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1)) return true;
    }
    return false;
}

static void leave(struct ash_pool *pool) {
    if (atomic_fetch_sub(&pool->state, 1) == 1) pool_wake(pool, &pool->state, 1);
}

static uint32_t next_generation(struct ash_pool *pool, uint32_t seen, int *patience) {
    for (int spin = 1; spin <= *patience; spin++) {
        uint32_t now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen) {
            if (*patience < IDLE_SPINS) *patience *= 2;
            return now;
        }
        relax();
        if (spin % YIELD_SPINS == 0) give_way();
    }
    *patience = FIRST_SPINS;
    atomic_fetch_add(&pool->sleeping, 1);
    while (atomic_load(&pool->generation) == seen) pool_wait(pool, &pool->generation, seen);
    atomic_fetch_sub(&pool->sleeping, 1);
    return atomic_load(&pool->generation);
}

static void member_main(struct ash_pool *pool, size_t worker) {
    uint32_t seen = atomic_load(&pool->generation);
    int patience = FIRST_SPINS;
    atomic_fetch_add(&pool->ready, 1);
    pool_wake(pool, &pool->ready, 1);
    while (atomic_load(&pool->quit) == 0) {
        seen = next_generation(pool, seen, &patience);
        if (!enter(pool)) continue;
        /* threads is read inside the job: between jobs another creation may change it. */
        if (worker < pool->threads) drain(pool, worker);
        leave(pool);
    }
}

static void next_job(struct ash_pool *pool, size_t wake) {
    atomic_fetch_add(&pool->generation, 1);
    if (wake != 0) pool_wake(pool, &pool->generation, wake);
}

/* Whether a job of so much work is to be one, and how many members to wake for it. */
static bool decide(struct ash_pool *pool, size_t work, size_t *wake) {
    size_t awake = pool->members - atomic_load(&pool->sleeping);
    *wake = 0;
    if (awake >= pool->most) {
        if (pool->price > LEAST_PRICE) pool->price /= 2;
        return awake != 0;
    }
    pool->unaided += work;
    if (pool->unaided < pool->price) return awake != 0;
    pool->unaided = 0;
    if (pool->price < MOST_PRICE) pool->price *= 2;
    *wake = pool->most - awake;
    return true;
}

size_t ash_pool_threads(const struct ash_pool *pool) { return pool != NULL ? pool->threads : 1; }

void ash_pool_begin(struct ash_pool *pool) {
    if (pool == NULL) return;
    pool->unaided = 0;
    pool->price = LEAST_PRICE;
}

void ash_pool_watch(struct ash_pool *pool, const _Atomic uint32_t *word) {
    if (pool != NULL) pool->watched = word != NULL ? word : &never;
}

static void run(struct ash_pool *pool, size_t tiles, size_t work, ash_tile_fn *fn, void *arg) {
    size_t wake;
    if (pool == NULL || pool->threads == 1 || tiles < 2 || !decide(pool, work, &wake)) {
        for (size_t tile = 0; tile < tiles && (pool == NULL || !ended(pool)); tile++) {
            fn(arg, tile, 0);
        }
        return;
    }
    assert(atomic_load(&pool->state) == 0); /* a tile may not run tiles */
    pool->fn = fn;
    pool->arg = arg;
    pool->tiles = tiles;
    deal(pool);
    atomic_store(&pool->state, STATE_OPEN);
    next_job(pool, wake);
    drain(pool, 0);
    uint32_t state = atomic_fetch_and(&pool->state, ~(uint32_t)STATE_OPEN) & ~(uint32_t)STATE_OPEN;
    for (int spin = 0; state != 0; spin++) {
#    if defined(POOL_WASM)
        if ((state & STATE_LOST) != 0)
            __builtin_trap(); /* the tile is not done, and never will be */
#    endif
        if (spin < END_SPINS) {
            relax();
        } else {
            pool_wait(pool, &pool->state, state);
        }
        state = atomic_load(&pool->state);
    }
}

#endif

void ash_pool_run(struct ash_pool *pool, size_t tiles, ash_tile_fn *fn, void *arg) {
    run(pool, tiles, tiles, fn, arg);
}

#if !defined(__wasm__)
void ash_pool_run_work(struct ash_pool *pool, size_t tiles, size_t work, ash_tile_fn *fn,
                       void *arg) {
    run(pool, tiles, work, fn, arg);
}
#endif

#if defined(POOL_NATIVE)

struct start {
    struct ash_pool *pool;
    size_t worker;
};

static void *thread_main(void *arg) {
    const struct start *start = arg;
    member_main(start->pool, start->worker);
    return NULL;
}

/* Threads of a library take none of the program's signals. */
static void start_threads(struct ash_pool *pool, struct start *start, size_t threads) {
    sigset_t all, before;
    (void)sigfillset(&all);
    bool masked = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    while (pool->threads < threads) {
        size_t worker = pool->threads;
        start[worker] = (struct start){pool, worker};
        if (pthread_create(&pool->thread[worker], NULL, thread_main, &start[worker]) != 0) break;
        pool->threads++;
    }
    if (masked) (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    pool->members = pool->most = pool->threads - 1;
    uint32_t ready;
    while ((ready = atomic_load(&pool->ready)) != pool->members) {
        pool_wait(pool, &pool->ready, ready);
    }
}

int ash_pool_create(struct ash_heap *heap, size_t threads, struct ash_pool **pool,
                    struct ashore_error *err) {
    *pool = NULL;
    ASH_FAIL_IF(threads < 1 || threads > ASH_POOL_MAX, err, ARGUMENT, "%zu threads", threads);
    struct ash_pool *p = ash_alloc_aligned(heap, sizeof *p);
    if (p == NULL) return ash_fail_nomem(err, sizeof *p);
    *p = (struct ash_pool){.heap = heap, .threads = 1, .price = LEAST_PRICE, .watched = &never};
#    if !defined(POOL_FUTEX)
    (void)pthread_mutex_init(&p->mutex, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
#    endif
    struct start start[ASH_POOL_MAX];
    start_threads(p, start, threads);
    *pool = p;
    return ASHORE_OK;
}

void ash_pool_destroy(struct ash_pool **pool) {
    struct ash_pool *p = *pool;
    if (p == NULL) return;
    atomic_store(&p->quit, 1);
    next_job(p, p->members);
    for (size_t worker = 1; worker < p->threads; worker++) {
        (void)pthread_join(p->thread[worker], NULL);
    }
#    if !defined(POOL_FUTEX)
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->mutex);
#    endif
    ash_free_aligned(p->heap, p, sizeof *p);
    *pool = NULL;
}

#elif defined(POOL_WASM)

#    define MEMBER_STACK_TEXT "131072"
enum { MEMBER_STACK = 131072, MEMBER_TLS = 256 };

alignas(16) unsigned char ash_pool_stacks[ASH_POOL_WASM_MAX - 1][MEMBER_STACK];
static alignas(64) unsigned char member_tls[ASH_POOL_WASM_MAX][MEMBER_TLS];
static struct ash_pool members = {.threads = 1, .price = LEAST_PRICE, .watched = &never};
static bool members_taken;
static size_t processors; /* 0: not known */

void __wasm_init_tls(void *memory);

void ash_pool_member_main(size_t worker);
void ash_pool_member_main(size_t worker) {
    if (worker < 1 || worker >= ASH_POOL_WASM_MAX) return;
    if (__builtin_wasm_tls_size() > MEMBER_TLS) return;
    __wasm_init_tls(member_tls[worker]);
    member_main(&members, worker);
}

/* Moves to the top of the member's own stack before any C frame exists. */
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype ash_pool_member_main (i32) -> ()\n"
        ".section .text.ash_pool_member,\"\",@\n"
        ".globl ash_pool_member\n"
        ".type ash_pool_member,@function\n"
        "ash_pool_member:\n"
        ".functype ash_pool_member (i32) -> ()\n"
        "local.get 0\n"
        "i32.const " MEMBER_STACK_TEXT "\n"
        "i32.mul\n"
        "i32.const ash_pool_stacks\n"
        "i32.add\n"
        "global.set __stack_pointer\n"
        "local.get 0\n"
        "call ash_pool_member_main\n"
        "end_function\n"
        ".export_name ash_pool_member, member\n"
        ".no_dead_strip ash_pool_member\n");

void ash_pool_member_lost(void) {
    atomic_fetch_or(&members.state, STATE_LOST);
    pool_wake(&members, &members.state, 1);
}

size_t ash_pool_members(void) { return atomic_load(&members.ready); }

void *ash_pool_words(void) { return &members.generation; }

void ash_pool_processors(size_t count) { processors = count; }

int ash_pool_create(struct ash_heap *heap, size_t threads, struct ash_pool **pool,
                    struct ashore_error *err) {
    *pool = NULL;
    ASH_FAIL_IF(threads < 1 || threads > ASH_POOL_MAX, err, ARGUMENT, "%zu threads", threads);
    size_t ready = atomic_load(&members.ready);
    if (threads > ready + 1) threads = ready + 1;
    if (members_taken) return ASHORE_OK;
    members.heap = heap;
    members.members = members.most = ready;
    members.threads = threads;
    /* Members cannot give way to each other there. */
    if (processors != 0 && ready >= processors && threads > ready) members.most = processors - 1;
    members_taken = true;
    *pool = &members;
    return ASHORE_OK;
}

void ash_pool_destroy(struct ash_pool **pool) {
    if (*pool != NULL) members_taken = false;
    *pool = NULL;
}

#endif
