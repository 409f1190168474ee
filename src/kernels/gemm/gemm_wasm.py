"""Writes the micro-kernels of gemm_wasm.c as WebAssembly assembly: gemm_wasm.py ISA FILE.

A kernel takes a tile of rows x vectors whose sums, vectors of B and elements of A fill the 15 vector
registers that engines have left on x86, in the order in which it is written: compilers reorder the
sums of an unrolled loop until engines run out of registers, and engines keep the order they are given.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from wasm_asm import Function, write  # noqa: E402

LANES = 4
PANEL = 2  # vectors of a panel of B

# struct tile of gemm_wasm.c, four bytes each
FIELDS = ('a a_tap a_skip taps k b b_step b_panel c ldc bias residual ld_residual '
          'low high first').split()

# rows, panels, steps of k in a round of the loop
KERNELS = [(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 1, 1), (6, 1, 2),
           (1, 2, 1), (2, 2, 1), (1, 3, 1), (1, 4, 1)]


def step(f, rows, panels, at):
    """One k: the elements of A are `at` floats on."""
    if panels > 1:
        # Few rows: their elements stay, and B goes by.
        for i in range(rows):
            f.get(f'a{i}')
            f.op(f'v128.load32_splat {4 * at}')
            f.set(f'x{i}')
        for p in range(panels):
            for j in range(PANEL):
                f.load('y', f'b{p}', 16 * j)
                for i in range(rows):
                    f.madd(f's{i}_{p * PANEL + j}', f'x{i}', 'y')
    else:
        for j in range(PANEL):
            f.load(f'y{j}', 'b0', 16 * j)
        for i in range(rows):
            f.get(f'a{i}')
            f.op(f'v128.load32_splat {4 * at}')
            f.set('x0')
            for j in range(PANEL):
                f.madd(f's{i}_{j}', 'x0', f'y{j}')
    for p in range(panels):
        f.add(f'b{p}', 'b_step')


def repeated(f, rows, panels, steps):
    """Does so many steps of k at a time, as often as the stack says."""
    f.op(f'local.tee {f.locals[f.local("n", "i32")]}', 'if', 'loop')
    for at in range(steps):
        step(f, rows, panels, at)
    for i in range(rows):
        f.add(f'a{i}', 4 * steps)
    f.add('n', -1)
    f.get('n')
    f.op('br_if 0', 'end_loop', 'end_if')


def walk(f, rows, *pairs):
    """Yields the rows, while pointers go down by fields: (pointer, pitch)."""
    for i in range(rows):
        yield i
        for pointer, pitch in pairs if i + 1 < rows else ():
            f.get(pointer)
            f.field(pitch)
            f.op('i32.add')
            f.set(pointer)


def finish(f, rows, vectors):
    """c = limits(sum + bias + residual)"""
    for name in 'low', 'high':
        f.field(name, 'v128.load32_splat')
        f.set(name)
    for name in 'bias', 'c', 'residual':
        f.field(name)
        f.set('p' if name == 'bias' else name, 'i32')
    for j in range(vectors):
        f.load(f'bias{j}', 'p', 16 * j)
    for i in walk(f, rows, ('c', 'ldc'), ('residual', 'ld_residual')):
        for j in range(vectors):
            f.get('c', f's{i}_{j}', f'bias{j}')
            f.op('f32x4.add')
            f.get('residual')
            f.op(f'v128.load {16 * j}:p2align=2', 'f32x4.add')
            f.get('low')
            f.op('f32x4.pmax')
            f.get('high')
            f.op('f32x4.pmin', f'v128.store {16 * j}:p2align=2')


def kernel(rows, panels, steps, fused):
    f = Function(f'ash_gemm_tile_{rows}x{panels * PANEL * LANES}', FIELDS, fused)
    vectors = panels * PANEL
    for name in [f'a{i}' for i in range(rows)] + [f'b{p}' for p in range(panels)]:
        f.local(name, 'i32')
    for name in 'p', 'taps', 'pointers', 'n', 'b_step':
        f.local(name, 'i32')
    for i in range(rows):
        for j in range(vectors):
            f.local(f's{i}_{j}', 'v128')
    f.field('first')
    f.op('i32.eqz', 'if')
    f.field('c')
    f.set('p')
    for i in walk(f, rows, ('p', 'ldc')):
        for j in range(vectors):
            f.load(f's{i}_{j}', 'p', 16 * j)
    f.op('end_if')
    f.field('b')
    f.set('b0')
    for p in range(1, panels):
        f.get(f'b{p - 1}')
        f.field('b_panel')
        f.op('i32.add')
        f.set(f'b{p}')
    for name, field in ('b_step', 'b_step'), ('pointers', 'a'), ('taps', 'taps'):
        f.field(field)
        f.set(name)
    f.get('taps')
    f.op('if', 'loop')
    for i in range(rows):
        f.get('pointers')
        f.op(f'i32.load {4 * i}')
        f.field('a_skip')
        f.op('i32.add')
        f.set(f'a{i}')

    f.field('k')
    if steps == 1:
        repeated(f, rows, panels, 1)
    else:
        f.op(f'i32.const {steps.bit_length() - 1}', 'i32.shr_u')
        repeated(f, rows, panels, steps)
        f.field('k')
        f.op(f'i32.const {steps - 1}', 'i32.and')
        repeated(f, rows, panels, 1)
    f.get('pointers')
    f.field('a_tap')
    f.op('i32.add')
    f.set('pointers')
    f.add('taps', -1)
    f.get('taps')
    f.op('br_if 0', 'end_loop', 'end_if')
    finish(f, rows, vectors)
    return f.text()


write(kernel, KERNELS)
