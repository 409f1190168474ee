"""Writes the loops of depthwise_wasm.c as WebAssembly assembly: depthwise_wasm.py ISA FILE.

A loop goes over the channels of some neighbouring outputs, four at a time.  An input is loaded once
for all outputs of a row of the filter that it belongs to, in the order that is written here.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from wasm_asm import Function, write  # noqa: E402

ROWS = 5  # most that a filter has

# struct group of depthwise_wasm.c, four bytes each
FIELDS = ([f'in{i}' for i in range(ROWS)] + [f'x_step{i}' for i in range(ROWS)] +
          'w w_step y y_step bias low high vectors'.split())

# size of the filter, stride, outputs
KERNELS = [(3, 1, 4), (3, 2, 4), (5, 1, 4), (5, 2, 4), (3, 1, 8), (5, 1, 8)]


def filter_row(f, k, stride, outs):
    """Adds a row of the filter at w to the sums; x is the first input, x_step apart."""
    for i in range(k):
        f.load(f'f{i}', 'w')
        f.add('w', 'w_step')
    inputs = (outs - 1) * stride + k
    for i in range(inputs):
        f.load('v', 'x')
        if i + 1 < inputs:
            f.add('x', 'x_step')
        for o in range(outs):
            if 0 <= i - o * stride < k:
                f.madd(f's{o}', 'v', f'f{i - o * stride}')


def row_start(f, offset):
    """x and x_step of the row whose fields are `offset` bytes behind the first one's: a number, or a
    local with an address."""
    at, base = (offset, 't') if isinstance(offset, int) else (0, offset)
    f.get(base)
    f.op(f'i32.load {at}')
    f.get('c')
    f.op('i32.add')
    f.set('x', 'i32')
    f.get(base)
    f.op(f'i32.load {at + 4 * ROWS}')
    f.set('x_step', 'i32')


def finish(f, outs):
    """y = limits(sum + bias)"""
    # -0 changes nothing when it is added.
    f.op('v128.const 0x80000000, 0x80000000, 0x80000000, 0x80000000')
    f.set('v')
    f.field('bias')
    f.op('if')
    f.field('bias')
    f.get('c')
    f.op('i32.add', 'v128.load 0:p2align=2')
    f.set('v')
    f.op('end_if')
    for name in 'low', 'high':
        f.field(name, 'v128.load32_splat')
        f.set('f0' if name == 'low' else 'f1')
    f.field('y')
    f.get('c')
    f.op('i32.add')
    f.set('x')
    f.field('y_step')
    f.set('x_step')
    for o in range(outs):
        f.get('x', f's{o}', 'v')
        f.op('f32x4.add')
        f.get('f0')
        f.op('f32x4.pmax')
        f.get('f1')
        f.op('f32x4.pmin', 'v128.store 0:p2align=2')
        if o + 1 < outs:
            f.add('x', 'x_step')


def kernel(k, stride, outs, fused):
    f = Function(f'ash_depthwise_{k}s{stride}x{outs}', FIELDS, fused)
    for name in 'c', 'w', 'x', 'n', 'w_step', 'x_step', 'row':
        f.local(name, 'i32')
    f.field('w_step')
    f.set('w_step')
    f.field('vectors')
    f.set('n')
    f.op('loop', 'loop')
    f.field('w')
    f.get('c')
    f.op('i32.add')
    f.set('w')
    f.op('v128.const 0, 0, 0, 0')
    for o in range(outs - 1):
        f.op(f'local.tee {f.locals[f.local(f"s{o}", "v128")]}')
    f.set(f's{outs - 1}')
    if k == 3:
        for ky in range(k):
            row_start(f, 4 * ky)
            filter_row(f, k, stride, outs)
    else:
        f.get('t')
        f.set('row')
        f.op('loop')
        row_start(f, 'row')
        filter_row(f, k, stride, outs)
        f.add('row', 4)
        f.get('row', 't')
        f.op('i32.sub', f'i32.const {4 * k}', 'i32.ne', 'br_if 0', 'end_loop')
    finish(f, outs)
    f.add('c', 16)
    f.add('n', -1)
    f.get('n')
    f.op('br_if 0', 'end_loop')
    # Channels that do not fill a vector: the last one lies over the one before.
    f.get('c', 'w_step')
    f.op('i32.ne', 'if')
    f.get('w_step')
    f.op('i32.const 16', 'i32.sub')
    f.set('c')
    f.op('i32.const 1')
    f.set('n')
    f.op('br 1', 'end_if', 'end_loop')
    return f.text()


write(kernel, KERNELS)
