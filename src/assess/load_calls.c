/* Reads what call_driver.py wrote; the layout is described there. */
#include "load.h"
#include "load_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 4096, TEXT_AT = 96, RECORD = 64, NAME_AT = 36 };
enum { RUNNING, COMPLETE, STOPPED }; /* header's state */
enum { UNUSED, ANSWERED, FAILED };   /* a record's */

static double number_at(const unsigned char *bytes, size_t at) {
    double value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static uint32_t word_at(const unsigned char *bytes, size_t at) {
    uint32_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static bool is_moment(double value) { return value >= 0 && value < 1e12; }

/* Text from a file, fit for a report. */
static const char *clean_text(struct assess_pool *pool, const unsigned char *bytes, size_t size) {
    char *text = assess_copy_text(pool, (const char *)bytes, size);
    for (char *p = text; p && *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\n') || *p == 0x7f) *p = '?';
    return text;
}

static int bad_log(const char *path, const char *why, struct ashore_error *err) {
    return assess_fail(err, ASHORE_ERR_FORMAT, "%.300s: not a log of calls: %s", path, why);
}

static int read_header(const char *path, const unsigned char *h, struct assess_pool *pool,
                       struct assess_run *run, struct assess_run_facts *facts,
                       struct ashore_error *err) {
    if (memcmp(h, "ASHCALLS", 8) != 0) return bad_log(path, "it begins otherwise", err);
    if (word_at(h, 8) != 1) return bad_log(path, "written by another version", err);
    uint32_t mode = word_at(h, 12), state = word_at(h, 44), text = word_at(h, 88);
    double rate = number_at(h, 16), seconds = number_at(h, 24);
    double suspended = number_at(h, 64), set = number_at(h, 72);
    if (mode > ASSESS_OFFLINE || state > STOPPED || text > HEADER - TEXT_AT ||
        !(rate >= 0 && rate <= 1e9) || !is_moment(seconds) || !is_moment(number_at(h, 48)) ||
        !is_moment(number_at(h, 56)) || !(fabs(suspended) < 1e9) || !(fabs(set) < 1e9) ||
        (mode == ASSESS_OPEN && rate == 0))
        return bad_log(path, "a number in its header is out of range", err);
    run->mode = (enum assess_load_mode)mode;
    run->planned_rate = mode == ASSESS_OPEN ? rate : 0;
    run->begin = number_at(h, 48);
    run->end = number_at(h, 56);
    run->interrupted = state != COMPLETE;
    if (text) run->first_failure = clean_text(pool, h + TEXT_AT, text);
    facts->after.boot = (int64_t)(suspended * 1e9);
    facts->after.real = (int64_t)((suspended + set) * 1e9);
    return ASHORE_OK;
}

/* Few kinds of exceptions, many records: equal names share their text. */
static const char *name_of(const unsigned char *record, const char *last,
                           struct assess_pool *pool) {
    size_t size = strnlen((const char *)record + NAME_AT, RECORD - NAME_AT);
    if (last && strlen(last) == size && memcmp(last, record + NAME_AT, size) == 0) return last;
    const char *name = clean_text(pool, record + NAME_AT, size);
    return name && *name ? name : "an exception";
}

static bool add_record(const unsigned char *record, double allowance, struct assess_pool *pool,
                       struct assess_run *run, const char **last_name) {
    uint32_t state = word_at(record, 32);
    struct assess_sent *s = &run->sent[run->count];
    s->intended = number_at(record, 0);
    s->sent = number_at(record, 8);
    s->answered = number_at(record, 16);
    double lag = number_at(record, 24);
    if (state > FAILED || !is_moment(s->intended) || !is_moment(s->sent) ||
        !is_moment(s->answered) || !is_moment(lag) || s->sent < s->intended ||
        s->answered < s->sent)
        return false;
    run->count++;
    if (lag > run->late_most) run->late_most = lag;
    if (lag > allowance && run->mode == ASSESS_OPEN) run->late++;
    if (s->answered > run->end) run->end = s->answered;
    if (state == FAILED) {
        s->failure = *last_name = name_of(record, *last_name, pool);
        run->failed++;
    }
    return true;
}

static int by_intended(const void *left, const void *right) {
    const struct assess_sent *a = left, *b = right;
    if (a->intended != b->intended) return a->intended > b->intended ? 1 : -1;
    return (a->sent > b->sent) - (a->sent < b->sent);
}

static int read_records(FILE *file, const char *path, struct assess_pool *pool,
                        struct assess_run *run, struct ashore_error *err) {
    unsigned char record[RECORD];
    double allowance = assess_late_allowance(run->planned_rate);
    const char *last_name = NULL;
    size_t room = 0, records = 0;
    struct assess_sent *sent = NULL;
    int status = ASHORE_OK;
    while (status == ASHORE_OK && fread(record, 1, RECORD, file) == RECORD) {
        records++;
        if (word_at(record, 32) == UNUSED && records <= ASSESS_REQUESTS_MOST) continue;
        void *items = sent;
        if (records > ASSESS_REQUESTS_MOST)
            status = assess_fail(err, ASHORE_ERR_LIMIT, "%.300s: more than %d calls", path,
                                 ASSESS_REQUESTS_MOST);
        else if (!assess_grow(&items, run->count, &room, sizeof *sent))
            status = assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
        else {
            run->sent = sent = items;
            sent[run->count] = (struct assess_sent){0};
            if (!add_record(record, allowance, pool, run, &last_name))
                status = bad_log(path, "the times of a call contradict each other", err);
        }
    }
    if (status == ASHORE_OK && ferror(file))
        status = assess_fail(err, ASHORE_ERR_IO, "%.300s: %s", path, strerror(errno));
    run->sent = assess_alloc_array(pool, run->count ? run->count : 1, sizeof *run->sent);
    if (status == ASHORE_OK && !run->sent)
        status = assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    if (status == ASHORE_OK && run->count) {
        qsort(sent, run->count, sizeof *sent, by_intended);
        memcpy(run->sent, sent, run->count * sizeof *sent);
    }
    assess_realloc(sent, 0);
    return status;
}

static int read_log(FILE *file, const char *path, struct assess_pool *pool, struct assess_run *run,
                    struct ashore_error *err) {
    unsigned char header[HEADER];
    struct assess_run_facts facts = {0};
    if (fread(header, 1, HEADER, file) != HEADER)
        return bad_log(path, "it is shorter than a header", err);
    ASSESS_TRY(read_header(path, header, pool, run, &facts, err));
    ASSESS_TRY(read_records(file, path, pool, run, err));
    if (run->failed && !run->first_failure) run->first_failure = "a call failed";
    assess_run_judge(run, &facts, pool);
    return pool->failed ? assess_fail(err, ASHORE_ERR_NOMEM, "out of memory") : ASHORE_OK;
}

int assess_load_read_calls(const char *path, struct assess_pool *pool, struct assess_run *run,
                           struct ashore_error *err) {
    *run = (struct assess_run){0};
    FILE *file = fopen(path, "rb");
    if (!file) return assess_fail(err, ASHORE_ERR_IO, "%.300s: %s", path, strerror(errno));
    int status = read_log(file, path, pool, run, err);
    fclose(file);
    if (status < 0) *run = (struct assess_run){0};
    return status;
}
