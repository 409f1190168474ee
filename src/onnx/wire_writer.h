/* The protobuf wire format, written into a buffer that grows.  A failure sticks: check `failed`
 * once at the end. */
#ifndef ASH_ONNX_WIRE_WRITER_H
#define ASH_ONNX_WIRE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_heap;

struct ash_wire_out {
    struct ash_heap *heap;
    unsigned char *data; /* room bytes of the heap */
    size_t size, room;
    bool failed; /* memory is out */
};

void ash_wire_out_deinit(struct ash_wire_out *out);
/* Room for n more bytes, counted as written; NULL when memory is out. */
unsigned char *ash_put_room(struct ash_wire_out *out, size_t n);
void ash_put_raw_varint(struct ash_wire_out *out, uint64_t value);
/* A tag; the type is a wire type. */
void ash_put_tag(struct ash_wire_out *out, unsigned number, unsigned type);
void ash_put_int(struct ash_wire_out *out, unsigned number, int64_t value);
void ash_put_float(struct ash_wire_out *out, unsigned number, float value);
void ash_put_bytes(struct ash_wire_out *out, unsigned number, const void *data, size_t n);
void ash_put_text(struct ash_wire_out *out, unsigned number, const char *text);
/* A message: what is written until the close with open's answer. */
size_t ash_put_open(struct ash_wire_out *out, unsigned number);
void ash_put_close(struct ash_wire_out *out, size_t start);

#endif
