"""What has to be known of ONNX models without running them: where their external data lies."""

from typing import Iterator, List, Tuple

# Field numbers of onnx.proto3.
_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_NODE_ATTRIBUTE = 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 5, 6
_TENSOR_EXTERNAL = 13
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_DEEPEST = 32  # graphs in graphs


def _varint(data: memoryview, at: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")


def _messages(data: memoryview) -> Iterator[Tuple[int, memoryview]]:
    """Fields with a length: their numbers and contents."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        elif kind == 2:
            size, at = _varint(data, at)
            if size > len(data) - at:
                raise ValueError("a field is longer than the file")
            yield key >> 3, data[at:at + size]
            at += size
        else:
            raise ValueError("no protocol buffer")


def _tensor(data: memoryview, found: List[str]) -> None:
    for field, entry in _messages(data):
        if field == _TENSOR_EXTERNAL:
            pair = dict(_messages(entry))
            if bytes(pair.get(_ENTRY_KEY, b"")) == b"location":
                location = bytes(pair.get(_ENTRY_VALUE, b"")).decode("utf-8", "replace")
                if location and location not in found:
                    found.append(location)


def _graph(data: memoryview, found: List[str], depth: int) -> None:
    if depth > _DEEPEST:
        return
    for field, part in _messages(data):
        if field == _INITIALIZER:
            _tensor(part, found)
        elif field == _NODE:
            for inner, attribute in _messages(part):
                if inner != _NODE_ATTRIBUTE:
                    continue
                for kind, value in _messages(attribute):
                    if kind == _ATTRIBUTE_TENSOR:
                        _tensor(value, found)
                    elif kind == _ATTRIBUTE_GRAPH:
                        _graph(value, found, depth + 1)


def external_files(data: bytes) -> List[str]:
    """The locations that a model's tensors name, in their order; [] of what is no model, which the
    engine will say."""
    found: List[str] = []
    try:
        for field, part in _messages(memoryview(data)):
            if field == _GRAPH:
                _graph(part, found, 0)
    except (ValueError, IndexError):
        return []
    return found
