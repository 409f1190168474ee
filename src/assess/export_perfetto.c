/* Perfetto traces: per thread a track with its innermost frames, nested, and one with its bucket.
 *
 * A trace is a message of packets (field 1).  Field numbers are those of Perfetto's protos:
 * trace_packet.proto, track_descriptor.proto, track_event.proto, interned_data.proto,
 * clock_snapshot.proto.  One sequence writes everything; names are interned in it. */
#include "export_text.h"
#include "whole_file.h"

#include <math.h>
#include <string.h>

enum {
    PACKET_CLOCK_SNAPSHOT = 6,
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE_ID = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_INTERNED_DATA = 12,
    PACKET_SEQUENCE_FLAGS = 13,
    PACKET_TIMESTAMP_CLOCK_ID = 58,
    PACKET_TRACK_DESCRIPTOR = 60,

    TRACK_UUID = 1,
    TRACK_NAME = 2,
    TRACK_PROCESS = 3,
    TRACK_THREAD = 4,
    TRACK_PARENT = 5,
    PROCESS_PID = 1,
    PROCESS_NAME = 6,
    THREAD_PID = 1,
    THREAD_TID = 2,
    THREAD_NAME = 5,

    EVENT_CATEGORY_IID = 3,
    EVENT_TYPE = 9,
    EVENT_NAME_IID = 10,
    EVENT_TRACK = 11,
    EVENT_SOURCE_IID = 34,
    SLICE_BEGIN = 1,
    SLICE_END = 2,

    INTERNED_CATEGORIES = 1,
    INTERNED_NAMES = 2,
    INTERNED_SOURCES = 4,
    INTERNED_IID = 1,
    INTERNED_TEXT = 2,
    SOURCE_FILE = 2,
    SOURCE_FUNCTION = 3,
    SOURCE_LINE = 4,

    SNAPSHOT_CLOCKS = 1,
    SNAPSHOT_PRIMARY = 2,
    CLOCK_ID = 1,
    CLOCK_TIME = 2,
    CLOCK_MONOTONIC_ID = 3,

    STATE_CLEARED = 1,
    STATE_NEEDED = 2,
    THE_SEQUENCE = 1,

    MOST_NESTED = 48 /* innermost frames that are shown */
};

/* ---- the wire format ------------------------------------------------------------------------ */

static void put_varint(struct assess_text *out, uint64_t v) {
    char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
    assess_text_add_bytes(out, bytes, n);
}

static void put_number(struct assess_text *out, uint32_t field, uint64_t v) {
    put_varint(out, (uint64_t)field << 3);
    put_varint(out, v);
}

static void put_bytes(struct assess_text *out, uint32_t field, const char *bytes, size_t size) {
    put_varint(out, (uint64_t)field << 3 | 2);
    put_varint(out, size);
    assess_text_add_bytes(out, bytes ? bytes : "", size);
}

static void put_text(struct assess_text *out, uint32_t field, const char *s) {
    struct assess_text clean = {0};
    assess_add_utf8(&clean, s);
    put_bytes(out, field, clean.bytes, clean.length);
    out->failed = out->failed || clean.failed;
    assess_text_deinit(&clean);
}

/* Adds a message as a field and empties it for the next use. */
static void put_message(struct assess_text *out, uint32_t field, struct assess_text *message) {
    put_bytes(out, field, message->bytes, message->length);
    out->failed = out->failed || message->failed;
    message->length = 0;
}

/* ---- packets -------------------------------------------------------------------------------- */

struct writer {
    const struct assess_profile *profile;
    struct assess_text trace, packet, message, inner; /* from the outside in; reused */
    uint32_t shown_pid;
    uint64_t process_track, thread_track, bucket_track, tracks;
    uint32_t open[MOST_NESTED]; /* functions of open slices */
    size_t depth, cut;          /* frames open, and left out at the root */
    double gap;                 /* s between spans that still are one after the other */
};

static void end_packet(struct writer *w) {
    put_number(&w->packet, PACKET_SEQUENCE_ID, THE_SEQUENCE);
    put_message(&w->trace, 1, &w->packet);
}

static uint64_t nanoseconds(double seconds) {
    if (!(seconds > 0)) return 0;
    return seconds < 9e9 ? (uint64_t)llround(seconds * 1e9) : (uint64_t)9e18;
}

/* The clock that the timestamps are of is that of the trace. */
static void put_clock(struct writer *w) {
    put_number(&w->inner, CLOCK_ID, CLOCK_MONOTONIC_ID);
    put_number(&w->inner, CLOCK_TIME, nanoseconds(w->profile->begin));
    put_message(&w->message, SNAPSHOT_CLOCKS, &w->inner);
    put_number(&w->message, SNAPSHOT_PRIMARY, CLOCK_MONOTONIC_ID);
    put_message(&w->packet, PACKET_CLOCK_SNAPSHOT, &w->message);
    end_packet(w);
}

static void put_interned(struct assess_text *data, struct assess_text *entry, uint32_t field,
                         uint64_t iid, const char *name) {
    put_number(entry, INTERNED_IID, iid);
    put_text(entry, INTERNED_TEXT, name);
    put_message(data, field, entry);
}

/* Function i has name and source i + 1; bucket i is category i + 1, and a name after those. */
static void put_names(struct writer *w) {
    const struct assess_profile *p = w->profile;
    for (size_t i = 0; i < p->function_count; i++) {
        const struct assess_function *f = &p->functions[i];
        uint32_t line;
        assess_split_place(f->place, &line);
        put_interned(&w->message, &w->inner, INTERNED_NAMES, i + 1, f->name);
        put_number(&w->inner, INTERNED_IID, i + 1);
        put_text(&w->inner, SOURCE_FILE, f->place);
        put_text(&w->inner, SOURCE_FUNCTION, f->name);
        if (line) put_number(&w->inner, SOURCE_LINE, line);
        put_message(&w->message, INTERNED_SOURCES, &w->inner);
    }
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) {
        const char *name = assess_bucket_names[i];
        put_interned(&w->message, &w->inner, INTERNED_NAMES, p->function_count + i + 1, name);
        put_interned(&w->message, &w->inner, INTERNED_CATEGORIES, i + 1, name);
    }
    put_message(&w->packet, PACKET_INTERNED_DATA, &w->message);
    put_number(&w->packet, PACKET_SEQUENCE_FLAGS, STATE_CLEARED);
    end_packet(w);
}

/* Perfetto takes process 0 for the idle one of the kernel; profiles have 0 where a file does not
 * say the process, which then gets the number of its first thread. */
static void put_process(struct writer *w, uint32_t pid, uint32_t tid) {
    const char *command = "";
    for (size_t i = 0; i < w->profile->process_count; i++) {
        const struct assess_process *process = &w->profile->processes[i];
        if (process->pid == pid && process->command) command = process->command;
    }
    w->process_track = ++w->tracks;
    put_number(&w->message, TRACK_UUID, w->process_track);
    w->shown_pid = pid ? pid : tid;
    put_number(&w->inner, PROCESS_PID, w->shown_pid);
    put_text(&w->inner, PROCESS_NAME, command);
    put_message(&w->message, TRACK_PROCESS, &w->inner);
    put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->message);
    end_packet(w);
}

static void put_thread(struct writer *w, uint32_t pid, uint32_t tid) {
    const struct assess_thread *t = assess_find_thread(w->profile, pid, tid);
    w->thread_track = ++w->tracks;
    w->bucket_track = ++w->tracks;
    put_number(&w->message, TRACK_UUID, w->thread_track);
    put_number(&w->message, TRACK_PARENT, w->process_track);
    put_number(&w->inner, THREAD_PID, w->shown_pid);
    put_number(&w->inner, THREAD_TID, tid);
    put_text(&w->inner, THREAD_NAME, t && t->name ? t->name : "");
    put_message(&w->message, TRACK_THREAD, &w->inner);
    put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->message);
    end_packet(w);
    put_number(&w->message, TRACK_UUID, w->bucket_track);
    put_number(&w->message, TRACK_PARENT, w->thread_track);
    put_text(&w->message, TRACK_NAME, "bucket");
    put_message(&w->packet, PACKET_TRACK_DESCRIPTOR, &w->message);
    end_packet(w);
}

/* name: iid; 0: the end of the innermost slice of the track. */
static void put_slice(struct writer *w, uint64_t track, double at, uint64_t name,
                      enum assess_bucket bucket, bool has_source) {
    put_number(&w->packet, PACKET_TIMESTAMP, nanoseconds(at));
    put_number(&w->packet, PACKET_TIMESTAMP_CLOCK_ID, CLOCK_MONOTONIC_ID);
    put_number(&w->message, EVENT_TYPE, name ? SLICE_BEGIN : SLICE_END);
    put_number(&w->message, EVENT_TRACK, track);
    if (name) {
        put_number(&w->message, EVENT_CATEGORY_IID, (uint64_t)bucket + 1);
        put_number(&w->message, EVENT_NAME_IID, name);
    }
    if (has_source) put_number(&w->message, EVENT_SOURCE_IID, name);
    put_message(&w->packet, PACKET_TRACK_EVENT, &w->message);
    put_number(&w->packet, PACKET_SEQUENCE_FLAGS, STATE_NEEDED);
    end_packet(w);
}

/* ---- spans ---------------------------------------------------------------------------------- */

static void close_slices(struct writer *w, size_t depth, double at) {
    while (w->depth > depth) {
        put_slice(w, w->thread_track, at, 0, ASSESS_UNKNOWN, false);
        w->depth--;
    }
}

/* Slices that both stacks have in common at the root stay open. */
static void change_stack(struct writer *w, const struct assess_stack *s, double closed,
                         double opened) {
    size_t cut = s->depth > MOST_NESTED ? s->depth - MOST_NESTED : 0, same = 0;
    while (cut == w->cut && same < w->depth && same < s->depth - cut &&
           w->open[same] == s->frames[cut + same]) {
        same++;
    }
    close_slices(w, same, closed);
    w->cut = cut;
    while (w->depth < s->depth - cut) {
        uint32_t function = s->frames[cut + w->depth];
        put_slice(w, w->thread_track, opened, (uint64_t)function + 1, s->bucket, true);
        w->open[w->depth++] = function;
    }
}

/* Spans order[0] to order[count - 1] are of one thread. */
static void put_spans(struct writer *w, const uint32_t *order, size_t count) {
    const struct assess_profile *p = w->profile;
    const struct assess_span *last = NULL;
    enum assess_bucket bucket = ASSESS_BUCKETS; /* of the open slice */
    for (size_t i = 0; i < count; i++) {
        const struct assess_span *span = &p->spans[order[i]];
        if (span->stack >= p->stack_count) continue;
        const struct assess_stack *s = &p->stacks[span->stack];
        bool joined = last && span->begin - last->end <= w->gap;
        double closed = last ? (joined ? span->begin : last->end) : span->begin;
        if (!joined) close_slices(w, 0, closed);
        if (bucket < ASSESS_BUCKETS && (!joined || s->bucket != bucket)) {
            put_slice(w, w->bucket_track, closed, 0, bucket, false);
            bucket = ASSESS_BUCKETS;
        }
        change_stack(w, s, closed, span->begin);
        if (bucket == ASSESS_BUCKETS) {
            bucket = s->bucket;
            put_slice(w, w->bucket_track, span->begin, p->function_count + bucket + 1, bucket,
                      false);
        }
        last = span;
    }
    if (!last) return;
    close_slices(w, 0, last->end);
    put_slice(w, w->bucket_track, last->end, 0, bucket, false);
}

static void put_threads(struct writer *w, const uint32_t *order) {
    const struct assess_profile *p = w->profile;
    for (size_t i = 0, next; i < p->span_count; i = next) {
        const struct assess_span *first = &p->spans[order[i]];
        for (next = i; next < p->span_count; next++) {
            const struct assess_span *span = &p->spans[order[next]];
            if (span->pid != first->pid || span->tid != first->tid) break;
        }
        if (i == 0 || p->spans[order[i - 1]].pid != first->pid)
            put_process(w, first->pid, first->tid);
        put_thread(w, first->pid, first->tid);
        put_spans(w, order + i, next - i);
    }
}

int assess_export_perfetto(const struct assess_profile *profile, const char *path,
                           struct ashore_error *err) {
    struct writer w = {.profile = profile, .gap = profile->hz > 0 ? 0.5 / profile->hz : 1e-6};
    uint32_t *order = assess_order_spans(profile);
    w.trace.failed = !order;
    put_clock(&w);
    put_names(&w);
    if (order) put_threads(&w, order);
    int rc = w.trace.failed ? assess_fail(err, ASHORE_ERR_NOMEM, "%s: out of memory", path)
                            : assess_write_file(path, w.trace.bytes, w.trace.length, err);
    assess_text_deinit(&w.trace);
    assess_text_deinit(&w.packet);
    assess_text_deinit(&w.message);
    assess_text_deinit(&w.inner);
    assess_realloc(order, 0);
    return rc;
}
