"""Runs in one call of JavaScript, by words and bytes in memory that both sides know.

bindings/js/pyodide_mail.js says what is written, and has the other side."""
from array import array

from ._array import Array
from ._dtypes import TYPES
from ._values import describe_failure, numpy_module, tensor_parts

_SIZE = 1 << 16
_WORD_BYTES = 4096
_SMALL = 16384  # bytes of a tensor that goes through the mailbox
_BESIDE = 0x80000000
_KINDS = (None, *TYPES.values())


class Mail:
    """The mailbox of one session.  inputs, outputs: ValueInfo of it."""

    def __init__(self, handle, inputs, outputs):
        memory = bytearray(_SIZE)
        handle.useMail(memory)
        self._call = handle.runMail
        self._take = handle.take
        self._bytes = memoryview(memory)
        self._words = self._bytes.cast("I")
        self._inputs = {info.name: (i, info.dtype) for i, info in enumerate(inputs)}
        self._outputs = {info.name: i for i, info in enumerate(outputs)}

    def run(self, feeds, names):
        """The outputs, by the order of names; a layout where they need one; None where these
        feeds do."""
        words = [len(feeds), len(names)]
        for name in names:
            if name not in self._outputs:
                return None
            words.append(self._outputs[name])
        buffers = []
        place = _WORD_BYTES
        ours = self._bytes
        for name, value in feeds.items():
            if name not in self._inputs:
                return None
            index, declared = self._inputs[name]
            try:
                kind, shape, data = tensor_parts(value, declared)
            except (TypeError, ValueError, OverflowError) as error:
                raise describe_failure(name, error) from error
            if kind.kind == "T":
                return None
            size = len(data)
            words += (index, kind.number, place, size, len(shape))
            words += shape
            end = place + size
            if size <= _SMALL and end <= _SIZE:
                ours[place:end] = data
                place = (end + 7) & -8
            else:
                words[-3 - len(shape)] = _BESIDE + len(buffers)
                buffers.append(data)
        if 4 * len(words) > _WORD_BYTES:
            return None
        try:
            self._words[:len(words)] = array("I", words)
        except OverflowError:  # an extent that only a tensor without elements can have
            return None
        answer = self._call(*buffers)
        return answer if isinstance(answer, str) else self._receive(answer, len(names))

    def _receive(self, answer, count):
        words, ours = self._words, self._bytes
        numpy = numpy_module()
        values, buffers = [], []
        at = 0
        for _ in range(count):
            kind, place, size, rank = words[at:at + 4]
            at += 4 + rank
            shape = tuple(words[at - rank:at])
            if place == _BESIDE:
                data = bytearray(size)
                buffers.append(data)
            else:
                data = bytearray(ours[place:place + size])
            kind = _KINDS[kind]
            values.append(Array._make(memoryview(data), kind, shape) if numpy is None
                          else numpy.ndarray(shape, kind.str, data))
        if answer:
            self._take(answer, *buffers)
        return values
