/* Reads one HTTP/1.x answer from bytes as they come.  Fixed memory whatever is sent: bodies are
 * counted and dropped but for their beginning, and header, body and interim answers have limits.
 * Source: RFC 9112. */
#ifndef ASH_ASSESS_HTTP_ANSWER_H
#define ASH_ASSESS_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ASSESS_HEAD_MOST = 64 * 1024, /* status line, fields, interim answers and trailers */
    ASSESS_BODY_MOST = 1024 * 1024 * 1024,
    ASSESS_LINE_KEPT = 1024, /* of a line; what matters here is shorter */
    ASSESS_BODY_KEPT = 200
};

enum assess_answer_state {
    ASSESS_ANSWER_STATUS,
    ASSESS_ANSWER_FIELDS,
    ASSESS_ANSWER_BODY,      /* of known length */
    ASSESS_ANSWER_BODY_REST, /* until the connection closes */
    ASSESS_ANSWER_CHUNK_SIZE,
    ASSESS_ANSWER_CHUNK,
    ASSESS_ANSWER_CHUNK_END,
    ASSESS_ANSWER_TRAILERS,
    ASSESS_ANSWER_DONE,
    ASSESS_ANSWER_FAILED
};

struct assess_answer {
    enum assess_answer_state state;
    const char *failure; /* in words, once FAILED; a constant */
    int status;          /* 0 until known */
    bool begun;          /* a byte has come */
    bool keep;           /* the connection may be used again, once DONE */
    uint64_t body_size;  /* bytes of the body so far, decoded */
    size_t kept_size;
    char kept[ASSESS_BODY_KEPT]; /* the body's first bytes; of a malformed answer, the line's */

    bool to_head, chunked, other_coding, has_length; /* the rest is the reader's own */
    int minor;
    uint64_t left; /* bytes of body or chunk still to come */
    size_t head_size, line_size;
    char line[ASSESS_LINE_KEPT];
};

/* to_head: the answer to HEAD, which has no body. */
void assess_answer_begin(struct assess_answer *answer, bool to_head);
/* Reads bytes until they are used up, or the answer is DONE or FAILED; returns how many. */
size_t assess_answer_read(struct assess_answer *answer, const char *bytes, size_t size);
/* The other end has closed: DONE if that ends the body, FAILED otherwise. */
void assess_answer_end(struct assess_answer *answer);

#endif
