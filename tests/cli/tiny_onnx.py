"""Small ONNX models, tensors and .npy files from nothing but Python's own library."""

import struct

FLOAT, UINT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, BFLOAT16 = 1, 2, 6, 7, 8, 9, 10, 11, 16
FORMATS = {FLOAT: "f", UINT8: "B", INT32: "i", INT64: "q", BOOL: "?", FLOAT16: "e", DOUBLE: "d",
           BFLOAT16: "H"}


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, value):
    """A protocol buffer field: an int as a varint, bytes and text with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(number, values):
    return b"".join(field(number, v) for v in values)


def tensor(dtype, dims, values, name=""):
    out = fields(1, dims) + field(2, dtype) + field(8, name)
    if dtype == STRING:
        return out + fields(6, values)
    return out + field(9, struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values))


def external_tensor(dtype, dims, location, name):
    entry = field(1, "location") + field(2, location)
    return fields(1, dims) + field(2, dtype) + field(8, name) + field(13, entry) + field(14, 1)


def tensor_type(dtype, dims):
    shape = fields(1, [field(2, d) if isinstance(d, str) else field(1, d) for d in dims])
    return field(1, field(1, dtype) + field(2, shape))


def sequence_type(element):
    return field(4, field(1, element))


def value(name, type_bytes):
    return field(1, name) + field(2, type_bytes)


def node(op, inputs, outputs, name="", domain=""):
    return (fields(1, inputs) + fields(2, outputs) + field(3, name) + field(4, op)
            + field(7, domain))


def model(nodes, inputs, outputs, weights=(), opsets=(("", 17),)):
    graph = (fields(1, nodes) + field(2, "g") + fields(5, weights) + fields(11, inputs)
             + fields(12, outputs))
    imports = [field(1, domain) + field(2, version) for domain, version in opsets]
    return field(1, 8) + field(2, "tiny") + field(7, graph) + fields(8, imports)


def npy(descr, dims, data, fortran=False):
    shape = ", ".join(map(str, dims)) + ("," if len(dims) == 1 else "")
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data
