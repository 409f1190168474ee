"""Bytes as text that HTML keeps as it is, denser than base64: pages/app/dense.js reads it.

Seven bits become one character of ASCII.  NUL, line feed, carriage return and '<' are what a parser,
or a tool that copies text, may change or take for markup: they become one of four letters beyond
ASCII, of two bytes in UTF-8.  Compressed bytes take 8/7 * (1 + 4/128) = 1.18 bytes each, in base64
1.33."""

_MOVED = {b"\x00": "\u00c0", b"\n": "\u00c1", b"\r": "\u00c2", b"<": "\u00c3"}
_GROUPS = 1 << 13  # groups of 7 bytes, which become 8 characters, that are worked on at a time


def _repeated(lane: int) -> int:
    """The same 64 bits for each group."""
    return int.from_bytes(lane.to_bytes(8, "big") * _GROUPS, "big")


# 56 bits in a lane of 64 are parted in the middle, and the halves again: by how much the upper ones
# move, and the bits of upper and lower ones.
_STEPS = [(4, _repeated(0x00FFFFFFF0000000), _repeated(0x000000000FFFFFFF)),
          (2, _repeated(0x0FFFC0000FFFC000), _repeated(0x00003FFF00003FFF)),
          (1, _repeated(0x3F803F803F803F80), _repeated(0x007F007F007F007F))]


def encode(data: bytes) -> bytes:
    """The text in UTF-8; bits that are left over at its end are zeros."""
    size = 7 * _GROUPS
    text = b"".join(_block(data[at:at + size]) for at in range(0, len(data), size))
    text = text[:(len(data) * 8 + 6) // 7]
    for byte, letter in _MOVED.items():
        text = text.replace(byte, letter.encode())
    return text


def _block(data: bytes) -> bytes:
    data = data.ljust(7 * _GROUPS, b"\0")
    lanes = bytearray(8 * _GROUPS)
    for i in range(7):
        lanes[i + 1::8] = data[i::7]
    number = int.from_bytes(lanes, "big")
    for shift, upper, lower in _STEPS:
        number = (number & upper) << shift | (number & lower)
    return number.to_bytes(8 * _GROUPS, "big")
