#!/usr/bin/env python3
"""trace_dump.py FOLDER: what the sampler wrote (src/assess/trace_format.h), added up.

As a module: read(FOLDER) gives a list of Trace, one per process image, in order of their start."""

import collections
import os
import struct
import sys

MAGIC = 0x3145434152545341
START, PYTHON, OBJECT, ENTRY, CODE, THREAD, STACK, SAMPLE, NOTE, END = range(1, 11)
PY_CUT, NATIVE_CUT = 1, 2
SAMPLE_PYTHON, GIL_WAIT, GC, FOR_REQUEST, ACCEPTED, HOLDS_GIL = (1 << i for i in range(6))
NO_STACK = 0xFFFFFFFF

Object = collections.namedtuple("Object", "id flags low high bias path")
Code = collections.namedtuple("Code", "id first_line file name")
Stack = collections.namedtuple("Stack", "id flags py native")
Sample = collections.namedtuple("Sample", "time weight tid stack syscall flags args in_flight")
End = collections.namedtuple("End", "time sampler_cpu handler_time ticks missed lost")


class Trace:
    def __init__(self, path):
        self.path = path
        self.time = self.version = self.refused = self.end = None
        self.objects, self.entries, self.notes, self.samples = [], [], [], []
        self.codes, self.threads, self.stacks = {}, {}, {}
        with open(path, "rb") as f:
            data = f.read()
        at = 0
        while at + 8 <= len(data):
            kind, size = struct.unpack_from("<II", data, at)
            if at + 8 + size > len(data):
                break
            self.take(kind, data[at + 8:at + 8 + size])
            at += 8 + size
        self.rest = len(data) - at

    def take(self, kind, p):
        if kind == START:
            magic, self.time, self.wall, self.pid, self.parent, self.hz, n = struct.unpack_from(
                "<QqqIIII", p)
            assert magic == MAGIC
            self.argv = p[40:40 + n].decode(errors="replace").split("\0")
        elif kind == PYTHON:
            self.version, self.refused = struct.unpack("<II", p)
        elif kind == OBJECT:
            number, flags, low, high, bias, n, _ = struct.unpack_from("<IIQQQII", p)
            self.objects.append(Object(number, flags, low, high, bias, p[40:40 + n].decode()))
        elif kind == ENTRY:
            low, high, n, _ = struct.unpack_from("<QQII", p)
            self.entries.append((low, high, p[24:24 + n].decode()))
        elif kind == CODE:
            number, line, a, b = struct.unpack_from("<IIII", p)
            self.codes[number] = Code(number, line, p[16:16 + a].decode(), p[16 + a:16 + a + b].decode())
        elif kind == THREAD:
            tid, n = struct.unpack_from("<II", p)
            self.threads[tid] = p[8:8 + n].decode(errors="replace")
        elif kind == STACK:
            number, a, b, flags = struct.unpack_from("<IHHI", p)
            py = [struct.unpack_from("<II", p, 12 + 8 * i) for i in range(a)]
            native = struct.unpack_from(f"<{b}Q", p, 12 + 8 * a)
            self.stacks[number] = Stack(number, flags, py, native)
        elif kind == SAMPLE:
            f = struct.unpack("<qIIIhHQQHHHH", p)
            assert f[3] == NO_STACK or f[3] in self.stacks
            self.samples.append(Sample(*f[:6], f[6:8], f[8]))
        elif kind == NOTE:
            self.notes.append(p.decode())
        elif kind == END:
            self.end = End(*struct.unpack("<qqqQQQ", p))

    def python(self, sample):
        """Names of the Python frames, leaf first."""
        if sample.stack == NO_STACK:
            return []
        return [self.codes[code].name for code, _ in self.stacks[sample.stack].py]

    def lines(self, sample):
        if sample.stack == NO_STACK:
            return []
        return [(self.codes[code].name, line) for code, line in self.stacks[sample.stack].py]

    def object_at(self, address):
        for o in reversed(self.objects):
            if o.low <= address < o.high:
                return os.path.basename(o.path)
        return "?"

    def entry_at(self, address):
        return [name for low, high, name in self.entries if low <= address < high]

    def native(self, sample):
        """Objects of the native frames, leaf first; an entry's name after a colon."""
        if sample.stack == NO_STACK:
            return []
        out = []
        for i, pc in enumerate(self.stacks[sample.stack].native):
            entry = self.entry_at(pc - (i > 0))
            out.append(self.object_at(pc - (i > 0)) + (":" + entry[0] if entry else ""))
        return out

    def owner(self, sample):
        """The innermost object that is not the C library."""
        for name in self.native(sample):
            if not name.startswith(("libc.so", "libm.so", "ld-", "[vdso]", "libpthread",
                                    "libashore_sampler")):
                return name
        return "?"

    def share(self, chosen, among=lambda s: True):
        """Wall time of the samples for which chosen(sample) holds, of those among."""
        total = sum(s.weight for s in self.samples if among(s))
        return sum(s.weight for s in self.samples if among(s) and chosen(s)) / total if total else 0

    def main_thread(self, sample):
        return sample.tid == self.pid


def read(folder):
    traces = [Trace(os.path.join(folder, name)) for name in os.listdir(folder)
              if name.startswith("trace.")]
    return sorted((t for t in traces if t.time is not None), key=lambda t: t.time)


def show(t):
    print(f"{os.path.basename(t.path)}: {' '.join(t.argv)!r} parent {t.parent} "
          f"Python {t.version and hex(t.version)} refused {t.refused} samples {len(t.samples)} "
          f"stacks {len(t.stacks)} codes {len(t.codes)} objects {len(t.objects)} rest {t.rest}")
    for note in t.notes:
        print("  note:", note)
    print("  end:", t.end)
    print("  entries:", " ".join(name for _, _, name in t.entries))
    total = sum(s.weight for s in t.samples) or 1
    keys = collections.Counter()
    for s in t.samples:
        flags = [n for n, b in (("py", SAMPLE_PYTHON), ("gilwait", GIL_WAIT), ("gc", GC),
                                ("forreq", FOR_REQUEST), ("holds", HOLDS_GIL)) if s.flags & b]
        cut = s.stack != NO_STACK and t.stacks[s.stack].flags & NATIVE_CUT
        keys[t.threads.get(s.tid, "?") + f":{s.tid}", s.syscall, "+".join(flags),
             " < ".join(t.native(s)[:6]) + (" CUT" if cut else ""),
             " < ".join(f"{n}:{line}" for n, line in t.lines(s)[:4])] += s.weight
    for key, weight in keys.most_common(int(os.environ.get("TOP", "25"))):
        print(f"  {100 * weight / total:5.1f}%", *key, sep=" | ")


if __name__ == "__main__":
    for trace in read(sys.argv[1]):
        show(trace)
