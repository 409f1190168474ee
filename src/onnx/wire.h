/* The protobuf wire format, read in place.
 *
 * A message is a view into bytes of somebody else's; nothing is copied or allocated.  Every length
 * is checked against the message that holds it, on every pass: bytes that change under the reader
 * (a mapped file) give wrong numbers at worst.  Readers recurse, and cap their depth themselves.
 *
 * Source of the format: the protobuf encoding guide.  Groups are refused. */
#ifndef ASH_ONNX_WIRE_H
#define ASH_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ashore_error;

struct ash_view { /* data NULL: not there, which differs from empty */
    const unsigned char *data;
    size_t size;
};

enum ash_wire_kind {
    ASH_WIRE_INT,   /* int64_t */
    ASH_WIRE_FLOAT, /* float */
    ASH_WIRE_BYTES, /* struct ash_view: text, bytes or a message; the last one counts */
    ASH_WIRE_MANY,  /* struct ash_many of the same */
    /* struct ash_many of numbers, packed or one by one */
    ASH_WIRE_VARINTS,
    ASH_WIRE_FIXED32,
    ASH_WIRE_FIXED64
};

/* The occurrences of one repeated field.  Walking it changes it: walk a copy to walk again. */
struct ash_many {
    struct ash_view rest;   /* of the message, from the next occurrence on */
    struct ash_view packed; /* what is left of a packed run of numbers */
    uint32_t number, kind;
    size_t count; /* occurrences, or numbers */
};

/* Where a field of a message goes: `offset` in a struct of the caller's. */
struct ash_wire_rule {
    uint8_t number, kind;
    uint16_t offset;
};
#define ASH_WIRE_RULE(number, kind, type, member)                                                  \
    {number, ASH_WIRE_##kind, (uint16_t)offsetof(struct type, member)}
#define ASH_WIRE_END {0, 0, 0}

/* Fields of NodeProto that prepared files have: what reports call the node, and the version of its
 * operator set. */
enum { ASH_NODE_LABEL = 100, ASH_NODE_VERSION = 101 };

/* Reads a message by rules (closed by ASH_WIRE_END) into *out; what is absent stays as it was, and
 * unknown fields are passed over.  ASHORE_ERR_FORMAT for what is malformed or has another type. */
int ash_wire_read(struct ash_view message, const struct ash_wire_rule *rules, void *out,
                  struct ashore_error *err);

/* The next occurrence, or false when there are no more. */
bool ash_many_next(struct ash_many *many, struct ash_view *item);
/* The next number: a varint, or the bits of a fixed one. */
bool ash_many_number(struct ash_many *many, uint64_t *number);
/* All numbers when they are one packed run of fixed ones, else an absent view. */
struct ash_view ash_many_run(struct ash_many many);

static inline struct ash_view ash_view(const void *data, size_t size) {
    return (struct ash_view){(const unsigned char *)data, size};
}
/* Whether the view holds this text. */
bool ash_view_is(struct ash_view view, const char *text);

#endif
