#include "onnx/wire_writer.h"

#include "base/heap.h"

#include <string.h>

void ash_wire_out_deinit(struct ash_wire_out *out) {
    ash_free(out->heap, out->data, out->room);
    *out = (struct ash_wire_out){.heap = out->heap};
}

unsigned char *ash_put_room(struct ash_wire_out *out, size_t n) {
    size_t need = ash_size_add(out->size, n);
    if (!out->failed && need > out->room) {
        size_t room = out->room < SIZE_MAX / 4 ? out->room * 3 / 2 + 256 : 0;
        if (room < need) room = need;
        unsigned char *data = ash_resize(out->heap, out->data, out->room, room);
        out->failed = data == NULL;
        if (data != NULL) {
            out->data = data;
            out->room = room;
        }
    }
    if (out->failed) return NULL;
    out->size = need;
    return out->data + (need - n);
}

static size_t encode(uint64_t value, unsigned char bytes[10]) {
    size_t n = 0;
    for (; value > 0x7f; value >>= 7) bytes[n++] = (unsigned char)(value | 0x80);
    bytes[n++] = (unsigned char)value;
    return n;
}

static void put(struct ash_wire_out *out, const void *data, size_t n) {
    unsigned char *to = ash_put_room(out, n);
    if (to != NULL && n != 0) memcpy(to, data, n);
}

void ash_put_raw_varint(struct ash_wire_out *out, uint64_t value) {
    unsigned char bytes[10];
    put(out, bytes, encode(value, bytes));
}

void ash_put_tag(struct ash_wire_out *out, unsigned number, unsigned type) {
    ash_put_raw_varint(out, (uint64_t)number << 3 | type);
}

void ash_put_int(struct ash_wire_out *out, unsigned number, int64_t value) {
    ash_put_tag(out, number, 0);
    ash_put_raw_varint(out, (uint64_t)value);
}

void ash_put_float(struct ash_wire_out *out, unsigned number, float value) {
    ash_put_tag(out, number, 5);
    put(out, &value, sizeof value);
}

void ash_put_bytes(struct ash_wire_out *out, unsigned number, const void *data, size_t n) {
    ash_put_tag(out, number, 2);
    ash_put_raw_varint(out, n);
    put(out, data, n);
}

void ash_put_text(struct ash_wire_out *out, unsigned number, const char *text) {
    ash_put_bytes(out, number, text, strlen(text));
}

size_t ash_put_open(struct ash_wire_out *out, unsigned number) {
    ash_put_tag(out, number, 2);
    return out->size;
}

void ash_put_close(struct ash_wire_out *out, size_t start) {
    unsigned char bytes[10];
    if (out->failed) return;
    size_t length = out->size - start, n = encode(length, bytes);
    if (ash_put_room(out, n) == NULL) return;
    memmove(out->data + start + n, out->data + start, length);
    memcpy(out->data + start, bytes, n);
}
