#include "http_answer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void assess_answer_begin(struct assess_answer *answer, bool to_head) {
    /* `line` and `kept` need no clearing: their sizes say what of them counts. */
    answer->state = ASSESS_ANSWER_STATUS;
    answer->failure = NULL;
    answer->status = 0;
    answer->begun = answer->keep = false;
    answer->body_size = answer->left = 0;
    answer->kept_size = answer->head_size = answer->line_size = 0;
    answer->to_head = to_head;
    answer->chunked = answer->other_coding = answer->has_length = false;
    answer->minor = 1;
}

static void fail(struct assess_answer *a, const char *why) {
    a->state = ASSESS_ANSWER_FAILED;
    a->failure = why;
    a->keep = false;
}

static void fail_line(struct assess_answer *a, const char *why) {
    if (a->kept_size == 0) {
        a->kept_size = a->line_size < ASSESS_BODY_KEPT ? a->line_size : ASSESS_BODY_KEPT;
        memcpy(a->kept, a->line, a->kept_size);
    }
    fail(a, why);
}

/* ---- lines of the head ---------------------------------------------------------------------- */

static void read_status_line(struct assess_answer *a, const char *line, size_t size) {
    bool known = size >= 12 && memcmp(line, "HTTP/1.", 7) == 0 && isdigit((unsigned char)line[7]) &&
                 line[8] == ' ' && (size == 12 || line[12] == ' ');
    for (size_t i = 9; known && i < 12; i++) known = isdigit((unsigned char)line[i]);
    if (!known || line[9] == '0') {
        fail_line(a, "malformed answer: no HTTP/1.x status line");
        return;
    }
    a->minor = line[7] - '0';
    a->keep = a->minor > 0;
    a->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    a->state = ASSESS_ANSWER_FIELDS;
}

/* Calls each token of a comma-separated list. */
typedef bool token_fn(struct assess_answer *a, const char *token, size_t size);

static bool each_token(struct assess_answer *a, const char *value, size_t size, token_fn *fn) {
    size_t at = 0;
    while (at <= size) {
        size_t end = at;
        while (end < size && value[end] != ',') end++;
        size_t first = at, last = end;
        while (first < last && (value[first] == ' ' || value[first] == '\t')) first++;
        while (last > first && (value[last - 1] == ' ' || value[last - 1] == '\t')) last--;
        if (last > first && !fn(a, value + first, last - first)) return false;
        at = end + 1;
    }
    return true;
}

static bool is(const char *token, size_t size, const char *name) {
    return size == strlen(name) && strncasecmp(token, name, size) == 0;
}

static bool connection_token(struct assess_answer *a, const char *token, size_t size) {
    if (is(token, size, "close")) a->keep = false;
    if (is(token, size, "keep-alive") && a->minor == 0) a->keep = true;
    return true;
}

static bool coding_token(struct assess_answer *a, const char *token, size_t size) {
    if (a->chunked) return false; /* chunked comes last, and once */
    if (is(token, size, "chunked"))
        a->chunked = true;
    else if (!is(token, size, "identity"))
        a->other_coding = true;
    return true;
}

static bool length_token(struct assess_answer *a, const char *token, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)token[i]) || value > UINT64_MAX / 10 - 1) return false;
        value = value * 10 + (uint64_t)(token[i] - '0');
    }
    if (a->has_length && value != a->left) return false;
    a->has_length = true;
    a->left = value;
    return true;
}

static void read_field(struct assess_answer *a, const char *line, size_t size, bool whole) {
    if (line[0] == ' ' || line[0] == '\t') return; /* a folded line's continuation */
    const char *colon = memchr(line, ':', size);
    if (!colon || colon == line) {
        fail_line(a, "malformed answer: a header line without a name");
        return;
    }
    size_t name = (size_t)(colon - line);
    token_fn *fn = is(line, name, "Content-Length")      ? length_token
                   : is(line, name, "Transfer-Encoding") ? coding_token
                   : is(line, name, "Connection")        ? connection_token
                                                         : NULL;
    if (fn && (!whole || !each_token(a, colon + 1, size - name - 1, fn)))
        fail_line(a, "malformed answer: a contradictory or malformed header");
}

/* The empty line after the fields: what comes next? (RFC 9112, 6.3) */
static void end_fields(struct assess_answer *a) {
    if (a->status == 101) {
        fail(a, "the server switched to another protocol");
    } else if (a->status < 200) {
        size_t head_size = a->head_size;
        assess_answer_begin(a, a->to_head);
        a->begun = true;
        a->head_size = head_size; /* else interim answers could go on for ever */
    } else if (a->to_head || a->status == 204 || a->status == 304) {
        a->state = ASSESS_ANSWER_DONE;
    } else if (a->chunked) {
        if (a->has_length) a->keep = false; /* a sign of smuggling; chunked counts */
        a->state = ASSESS_ANSWER_CHUNK_SIZE;
    } else if (a->has_length && !a->other_coding) {
        if (a->left > ASSESS_BODY_MOST)
            fail(a, "the answer's body is larger than 1 GiB");
        else
            a->state = a->left ? ASSESS_ANSWER_BODY : ASSESS_ANSWER_DONE;
    } else {
        a->keep = false;
        a->state = ASSESS_ANSWER_BODY_REST;
    }
}

static void read_chunk_size(struct assess_answer *a, const char *line, size_t size) {
    uint64_t value = 0;
    size_t i = 0;
    for (; i < size && isxdigit((unsigned char)line[i]); i++) {
        int c = line[i] | 0x20;
        value = value * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (value > ASSESS_BODY_MOST) {
            fail(a, "the answer's body is larger than 1 GiB");
            return;
        }
    }
    if (i == 0 || (i < size && line[i] != ';' && line[i] != ' ' && line[i] != '\t')) {
        fail_line(a, "malformed answer: a chunk without its size");
        return;
    }
    a->left = value;
    a->state = value ? ASSESS_ANSWER_CHUNK : ASSESS_ANSWER_TRAILERS;
}

static void read_line(struct assess_answer *a) {
    bool whole = a->line_size <= ASSESS_LINE_KEPT;
    size_t size = whole ? a->line_size : ASSESS_LINE_KEPT;
    if (whole && size && a->line[size - 1] == '\r') size--;
    a->line_size = size;
    switch (a->state) {
    case ASSESS_ANSWER_STATUS:
        read_status_line(a, a->line, size);
        break;
    case ASSESS_ANSWER_FIELDS:
        if (size == 0)
            end_fields(a);
        else
            read_field(a, a->line, size, whole);
        break;
    case ASSESS_ANSWER_CHUNK_SIZE:
        a->head_size = 0; /* the limit is for one chunk's line, else long answers would fail */
        read_chunk_size(a, a->line, size);
        break;
    case ASSESS_ANSWER_CHUNK_END:
        if (size)
            fail_line(a, "malformed answer: a chunk longer than its size");
        else
            a->state = ASSESS_ANSWER_CHUNK_SIZE;
        break;
    default: /* trailers */
        if (size == 0) a->state = ASSESS_ANSWER_DONE;
    }
    a->line_size = 0;
}

static size_t take_line(struct assess_answer *a, const char *bytes, size_t size) {
    const char *end = memchr(bytes, '\n', size);
    size_t part = end ? (size_t)(end - bytes) : size;
    a->head_size += part + (end ? 1 : 0);
    if (a->head_size > ASSESS_HEAD_MOST) {
        fail(a, "the answer's header is larger than 64 KiB");
        return part;
    }
    if (a->line_size < ASSESS_LINE_KEPT) {
        size_t room = ASSESS_LINE_KEPT - a->line_size;
        memcpy(a->line + a->line_size, bytes, part < room ? part : room);
    }
    a->line_size += part;
    if (!end) return part;
    read_line(a);
    return part + 1;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static size_t take_body(struct assess_answer *a, const char *bytes, size_t size) {
    bool bounded = a->state != ASSESS_ANSWER_BODY_REST;
    size_t part = bounded && a->left < size ? (size_t)a->left : size;
    size_t room = ASSESS_BODY_KEPT - a->kept_size;
    size_t keep = part < room ? part : room;
    memcpy(a->kept + a->kept_size, bytes, keep);
    a->kept_size += keep;
    a->body_size += part;
    if (a->body_size > ASSESS_BODY_MOST) {
        fail(a, "the answer's body is larger than 1 GiB");
        return part;
    }
    if (!bounded) return part;
    a->left -= part;
    if (a->left == 0)
        a->state = a->state == ASSESS_ANSWER_BODY ? ASSESS_ANSWER_DONE : ASSESS_ANSWER_CHUNK_END;
    return part;
}

size_t assess_answer_read(struct assess_answer *answer, const char *bytes, size_t size) {
    size_t used = 0;
    if (size) answer->begun = true;
    while (used < size && answer->state < ASSESS_ANSWER_DONE) {
        bool body = answer->state == ASSESS_ANSWER_BODY ||
                    answer->state == ASSESS_ANSWER_BODY_REST ||
                    answer->state == ASSESS_ANSWER_CHUNK;
        used += (body ? take_body : take_line)(answer, bytes + used, size - used);
    }
    return used;
}

void assess_answer_end(struct assess_answer *answer) {
    if (answer->state >= ASSESS_ANSWER_DONE) return;
    if (answer->state == ASSESS_ANSWER_BODY_REST) {
        answer->state = ASSESS_ANSWER_DONE;
        return;
    }
    fail(answer, answer->begun ? "the connection was closed in the middle of an answer"
                               : "the connection was closed without an answer");
}
