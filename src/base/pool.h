/* Thread pool.  Work is cut into tiles by shape alone, never by the number of threads: results are
 * identical for any number of threads.  Neighbouring tiles tend to run on one thread, and the same
 * part of all tiles on the same thread in job after job. */
#ifndef ASH_BASE_POOL_H
#define ASH_BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ash_heap;
struct ashore_error;
struct ash_pool;

enum { ASH_POOL_MAX = 64 }; /* most threads, the caller's included */

/* Runs tile `tile` on member `worker` (0 is the caller, below ash_pool_threads()).  Must not
 * allocate, block or call libc beyond memcpy and memset. */
typedef void ash_tile_fn(void *arg, size_t tile, size_t worker);

/* threads counts the caller, 1..ASH_POOL_MAX.  All members have checked in on return.  Where
 * threads cannot be had, fewer are started: ash_pool_threads() tells.  *pool stays NULL where there
 * are no threads at all. */
int ash_pool_create(struct ash_heap *heap, size_t threads, struct ash_pool **pool,
                    struct ashore_error *err);
void ash_pool_destroy(struct ash_pool **pool);
size_t ash_pool_threads(const struct ash_pool *pool); /* 1 for NULL */

/* A run begins: a series of jobs that follow each other.  What came before says nothing about it.
 */
void ash_pool_begin(struct ash_pool *pool);
/* The word by which any thread ends the jobs from now on: while it is not 0, tiles that have not
 * begun are skipped.  NULL: none.  Not while a job runs. */
void ash_pool_watch(struct ash_pool *pool, const _Atomic uint32_t *word);
/* Runs all tiles and returns when they are done.  pool may be NULL: runs them here. */
void ash_pool_run(struct ash_pool *pool, size_t tiles, ash_tile_fn *fn, void *arg);
/* The same for tiles that take longer or shorter than most: together as long as `work` of those,
 * which take a few microseconds each.  It only decides whether members are woken.  WebAssembly
 * counts tiles. */
#if defined(__wasm__)
#    define ash_pool_run_work(pool, tiles, work, fn, arg) ash_pool_run(pool, tiles, fn, arg)
#else
void ash_pool_run_work(struct ash_pool *pool, size_t tiles, size_t work, ash_tile_fn *fn,
                       void *arg);
#endif

#if defined(__wasm_atomics__)
/* Members in WebAssembly are started by the host before the pool is made: a thread of the host's
 * instantiates the module over the same memory and calls ash_pool_member.  It returns when the host
 * has stored 1 in the second of ash_pool_words(), added 1 to the first, and woken who waits on it.
 * They serve one pool at a time: a second one has the caller alone. */
enum { ASH_POOL_WASM_MAX = 16 }; /* worker is 1..ASH_POOL_WASM_MAX-1, each given once */
void ash_pool_member(size_t worker);
/* A member has trapped, says its host.  A job that waits for it traps, too. */
void ash_pool_member_lost(void);
size_t ash_pool_members(void); /* that have checked in */
void *ash_pool_words(void);    /* two of 32 bits, which end all members for good */
/* How many processors the host has: of pools made from now on no more threads run at a time. */
void ash_pool_processors(size_t count);
#endif

#endif
