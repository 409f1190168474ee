#!/usr/bin/env python3
"""wasm_map.py LINKED SHIPPED MAP SOURCES: what hangs on what in a WebAssembly module, for trimming it.

LINKED is the module with its relocations kept (--emit-relocs), SHIPPED the same without: that they
are the same code and data is checked, byte by byte.  The C files below SOURCES are searched for
lines ASH_MAKES(...) and the like (src/ir/op.h) and ASH_PASS_NEEDS(...) (src/opt/passes.h).  Writes
MAP, a JSON object:

  sha256     of SHIPPED
  code       [offset, reference, ...] of each function that is not imported: where its body refers to
             something by other means than a call
  data       [segment, offset, size, reference...] of each constant
  tables     [segment, offset, bytes of a row, [operator, its texts, offset of a function, function,
             ...]...] of each table of operators
  parts      [constant, [operators, reference...]...] of each table ash_by_op_*: rows of which each
             begins with the operators that need it, one of which is enough, joined by |
  makes      [operators that are made, operators that they are made of], as the sources state it
  idle       [function, operators that it needs]...; one that lacks them in each row of its own is to
             return 0
  absent     the same for functions that nothing calls then
  looks      [operators, operators that look up parts of them] (ASH_LOOKS_UP)
  lowers     [operators, least rank, most, types] (ASH_LOWERS)
  acts       the operators that activations are, by number (ASH_ACT_NAMES)
  seal       the constant that keeps prepared files out

A reference is the index of a function, or -1 - i for constant i.  Operators of other domains than
ai.onnx are written domain:Name."""

import hashlib
import json
import math
import pathlib
import re
import sys
from bisect import bisect_left as bisect

CODE, DATA, ELEMENT = 10, 11, 9
FUNCTION, DATA_SYMBOL = 0, 1
UNDEFINED, EXPLICIT_NAME = 0x10, 0x40
# Relocation types by what they refer to; those with an addend; and the width of their field.
CALL, TO_FUNCTION, TO_DATA, WITH_ADDEND = 0, {0, 1, 2}, {3, 4, 5}, {3, 4, 5, 8, 9}
SIGNED, WORD = {1, 4}, {2, 5}
# What the linker itself writes has no relocations: only the first calls anything.
SYNTHETIC = {"__wasm_call_ctors", "__wasm_init_memory", "__wasm_init_tls"}
MAKES = re.compile(r'^ASH_MAKES\("([^"]*)", "([^"]*)"\);', re.MULTILINE)
PASSES = re.compile(r'^ASH_PASS_NEEDS\((\w+), "([^"]*)"\);', re.MULTILINE)
IDLE = re.compile(r'^ASH_IDLE_WITHOUT\((\w+), "([^"]*)"\);', re.MULTILINE)
ABSENT = re.compile(r'^ASH_ABSENT_WITHOUT\((\w+), "([^"]*)"\);', re.MULTILINE)
LOOKS = re.compile(r'^ASH_LOOKS_UP\("([^"]*)", "([^"]*)"\);', re.MULTILINE)
LOWERS = re.compile(r'^ASH_LOWERS\("([^"]*)", (\d+), (\d+), "([^"]*)"\);', re.MULTILINE)
ACTS = re.compile(r'^ASH_ACT_NAMES\("([^"]*)"\);', re.MULTILINE)
SEAL = "ash_prepared_seal"


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def leb(self):
        """(value, bits, last byte) of a number in LEB128."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value, shift, byte

    def number(self):
        return self.leb()[0]

    def signed(self):
        value, bits, last = self.leb()
        return value - (1 << bits) if last & 64 else value

    def take(self, size):
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self):
        return self.take(self.number()).decode()


def sections(data):
    """(type, name, start of the contents, end) in order; names are those of custom sections."""
    r, found = Reader(data, 8), []
    while r.at < len(data):
        kind = r.byte()
        size = r.number()
        start, end = r.at, r.at + size
        name = r.text() if kind == 0 else ""
        found.append((kind, name, start, end))
        r.at = end
    return found


def short(value, signed):
    """LEB128 without padding."""
    out = bytearray()
    while True:
        byte, value = value & 127, value >> 7
        if value == (-1 if signed and byte & 64 else 0) and (not signed or value or not byte & 64):
            return bytes(out + bytes([byte]))
        out.append(byte | 128)


class Module:
    def __init__(self, data):
        self.data, self.sections = data, sections(data)
        self.part = {name or kind: (start, end) for kind, name, start, end in self.sections}
        self.segments = list(self.read_segments())
        self.bodies = self.read_bodies()
        self.imported = self.count_imported()

    def count_imported(self):
        if 2 not in self.part:
            return 0
        r = Reader(self.data, self.part[2][0])
        functions = 0
        for _ in range(r.number()):
            r.text(), r.text()
            kind = r.byte()
            if kind == 0:
                functions += 1
                r.number()
            else:
                if kind == 1:
                    r.byte()
                if kind == 3:
                    raise SystemExit("wasm_map: an imported global")
                limits = r.byte()
                r.number()
                if limits & 1:
                    r.number()
        return functions

    def read_bodies(self):
        r = Reader(self.data, self.part[CODE][0])
        bodies = []
        for _ in range(r.number()):
            size = r.number()
            bodies.append((r.at, r.at + size))
            r.at += size
        return bodies

    def read_segments(self):
        """(address, offset in the module, bytes); passive ones have no address here."""
        r = Reader(self.data, self.part[DATA][0])
        for _ in range(r.number()):
            address = None
            if r.number() == 0:
                r.byte()
                address = r.signed()
                r.byte()
            size = r.number()
            yield address, r.at, r.take(size)


class Linked(Module):
    def __init__(self, data):
        super().__init__(data)
        self.symbols = list(self.read_symbols())
        self.code_relocations = list(self.relocations("reloc.CODE"))
        self.data_relocations = list(self.relocations("reloc.DATA"))

    def read_symbols(self):
        """(kind, name, index of a function) or (kind, name, segment, offset, size)."""
        start, end = self.part["linking"]
        r = Reader(self.data, start)
        r.text()
        r.number()
        while r.at < end:
            kind, size = r.byte(), r.number()
            if kind != 8:
                r.at += size
                continue
            for _ in range(r.number()):
                kind, flags = r.byte(), r.number()
                if kind == DATA_SYMBOL:
                    name = r.text()
                    where = () if flags & UNDEFINED else (r.number(), r.number(), r.number())
                    yield (kind, name, *where)
                elif kind == 3:
                    yield kind, "", r.number()
                else:
                    index = r.number()
                    named = not flags & UNDEFINED or flags & EXPLICIT_NAME
                    yield kind, r.text() if named else "", index

    def relocations(self, name):
        """(offset in the module, type, symbol, addend)"""
        start, end = self.part[name]
        r = Reader(self.data, start)
        r.text()
        base = self.sections[r.number()][2]
        for _ in range(r.number()):
            kind, offset, symbol = r.byte(), r.number(), r.number()
            addend = r.signed() if kind in WITH_ADDEND else 0
            yield base + offset, kind, symbol, addend
        assert r.at == end

    def synthetic(self):
        """Functions that the linker wrote, by their place among the bodies."""
        return {s[2] - self.imported: s[1] for s in self.symbols
                if s[0] == FUNCTION and s[1] in SYNTHETIC}

    def shortened_code(self):
        """The bodies with the fields of relocations as short as they can be, and where they are."""
        places = [r for r in self.code_relocations if r[1] not in WORD]
        i = 0
        for start, end in self.bodies:
            out, at, fields = bytearray(), start, []
            while i < len(places) and places[i][0] < end:
                field, kind, symbol, _ = places[i]
                out += self.data[at:field]
                fields.append((len(out), kind, symbol))
                r = Reader(self.data, field)
                out += short(r.signed() if kind in SIGNED else r.number(), kind in SIGNED)
                at = r.at
                i += 1
            yield bytes(out + self.data[at:end]), fields


def check_same(linked, shipped):
    """Memory that begins as zeros is a segment of LINKED alone, and what sets memory up knows."""
    for kind in (1, 2, 3, 4, 5, 6, 7, 8, ELEMENT):
        a, b = (m.data[slice(*m.part.get(kind, (0, 0)))] for m in (linked, shipped))
        if a != b:
            raise SystemExit(f"wasm_map: sections {kind} of the two modules differ")
    ours = linked.synthetic()
    for i, (code, _) in enumerate(linked.shortened_code()):
        if i not in ours and code != shipped.data[slice(*shipped.bodies[i])]:
            raise SystemExit(f"wasm_map: function {i} of the two modules differs")
    a, b = ([(at, data) for at, _, data in m.segments if any(data)] for m in (linked, shipped))
    if a != b or len(b) != len(shipped.segments):
        raise SystemExit("wasm_map: the data of the two modules differs")


class Map:
    """Nodes are functions, constants and rows; a relocation is an edge.  A constant is a span of the
    linked module's bytes: symbols that share it are one."""

    def __init__(self, linked):
        self.m = linked
        self.place = {}  # symbol -> (start, end)
        self.seal = None
        self.starts = [start for _, start, data in linked.segments if any(data)]
        self.by_op = set()
        tables = set()
        for i, symbol in enumerate(linked.symbols):
            if symbol[0] != DATA_SYMBOL or len(symbol) < 5 or symbol[4] == 0:
                continue
            _, start, data = linked.segments[symbol[2]]
            if any(data):
                self.place[i] = (start + symbol[3], start + symbol[3] + symbol[4])
                if symbol[1] == SEAL:
                    self.seal = self.place[i]
                if symbol[1].startswith("ash_ops_"):
                    tables.add(self.place[i])
                if symbol[1].startswith("ash_by_op_"):
                    self.by_op.add(self.place[i])
        self.tables = sorted(tables)
        self.constants = sorted(set(self.place.values()) - tables)
        self.number = {span: i for i, span in enumerate(self.constants)}
        self.row = math.gcd(*(end - start for start, end in self.tables))

    def where(self, at):
        """Segment and offset; the shipped module has no segments of zeros."""
        segment = bisect(self.starts, at + 1) - 1
        return segment, at - self.starts[segment]

    def reference(self, kind, symbol):
        """What is referred to, None where it cannot be dropped."""
        span = self.place.get(symbol)
        if kind in TO_FUNCTION and self.m.symbols[symbol][2] >= self.m.imported:
            return self.m.symbols[symbol][2]
        return -1 - self.number[span] if kind in TO_DATA and span in self.number else None

    def references(self, start, end):
        """What data refers to between start and end, as far as it can be dropped."""
        found = set()
        for at, kind, symbol, _ in self.m.data_relocations[bisect(self.m.data_relocations, (start,)):]:
            if at >= end:
                break
            found.add(self.reference(kind, symbol))
        return sorted(found - {None})

    def code(self):
        for _, fields in self.m.shortened_code():
            found = [(at, self.reference(kind, symbol)) for at, kind, symbol in fields
                     if kind != CALL]
            yield [number for pair in found if pair[1] is not None for number in pair]

    def text(self, at):
        """What the pointer at some place points to."""
        i = bisect(self.m.data_relocations, (at,))
        place, _, symbol, addend = self.m.data_relocations[i]
        if place != at or symbol not in self.place:
            raise SystemExit("wasm_map: a row of operators does not begin with name and domain")
        start = self.place[symbol][0] + addend
        return self.m.data[start : self.m.data.index(0, start)].decode()

    def rows(self, start, end):
        """A table ends in a row of zeros."""
        if any(self.m.data[end - self.row : end]):
            raise SystemExit("wasm_map: a table of operators without an end")
        for at in range(start, end - self.row, self.row):
            name, domain = self.text(at), self.text(at + 4)
            functions = [(field, self.references(at + field, at + field + 4))
                         for field in range(8, self.row, 4)]
            yield [f"{domain}:{name}" if domain else name, self.references(at, at + 8),
                   *(number for field, found in functions if found for number in (field, *found))]

    def part_rows(self, start, end):
        """Texts begin rows; the functions behind a text belong to its row."""
        rows = []
        for at, kind, *_ in self.m.data_relocations[bisect(self.m.data_relocations, (start,)):]:
            if at >= end:
                break
            if kind in TO_DATA:
                rows.append([self.text(at)])
            elif not rows:
                raise SystemExit("wasm_map: a row of ash_by_op_* does not begin with operators")
            rows[-1] += self.references(at, at + 1)
        return rows

    def check_tables(self):
        """Rows move when some are dropped: nothing may point to one but the list of tables."""
        tables = set(self.tables)
        from_code = [r for r in self.m.code_relocations if self.place.get(r[2]) in tables]
        holders = {next((s for s in self.constants if s[0] <= r[0] < s[1]), None)
                   for r in self.m.data_relocations if self.place.get(r[2]) in tables}
        if from_code or len(holders) != 1:
            raise SystemExit("wasm_map: something else than the registry knows a table of operators")

    def needs(self, lines):
        index = {}
        for s in self.m.symbols:
            if s[0] == FUNCTION:
                index.setdefault(s[1], set()).add(s[2])
        for name, _ in lines:
            if len(index.get(name, ())) > 1:
                raise SystemExit(f"wasm_map: {name} is more than one function of the module")
        # An engine of some families alone lacks some.
        return [[*index[name], of.split()] for name, of in lines if name in index]

    def to_json(self, shipped, text):
        self.check_tables()
        return {
            "sha256": hashlib.sha256(shipped.data).hexdigest(),
            "code": list(self.code()),
            "data": [[*self.where(start), end - start,
                      *(() if (start, end) in self.by_op else
                        self.references(start, end))]
                     for start, end in self.constants],
            "parts": [[self.number[start, end], *self.part_rows(start, end)]
                      for start, end in sorted(self.by_op)],
            "tables": [[*self.where(start), self.row, *self.rows(start, end)]
                       for start, end in self.tables],
            "makes": [[made.split(), of.split()] for made, of in MAKES.findall(text)],
            "looks": [[found.split(), of.split()] for found, of in LOOKS.findall(text)],
            "lowers": [[ops.split(), int(least), int(most), types.split()]
                       for ops, least, most, types in LOWERS.findall(text)],
            "idle": self.needs([*IDLE.findall(text), *((name, f"{of} +rewrites")
                                                       for name, of in PASSES.findall(text))]),
            "absent": self.needs(ABSENT.findall(text)),
            "acts": ACTS.search(text)[1].split(),
            "seal": self.number[self.seal],
        }


def main():
    linked_file, shipped_file, map_file, sources = sys.argv[1:]
    with open(linked_file, "rb") as f:
        linked = Linked(f.read())
    with open(shipped_file, "rb") as f:
        shipped = Module(f.read())
    check_same(linked, shipped)
    files = sorted(pathlib.Path(sources).rglob("*.c"))
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    parts = Map(linked).to_json(shipped, text)
    content = json.dumps(parts, separators=(",", ":"))
    with open(map_file, "w", encoding="utf-8") as f:
        f.write(content + "\n")


main()
