"""WebAssembly assembly, a function at a time: what the scripts fam_wasm.py are written over."""
import sys


class Function:
    """Assembly of one function of a struct's address, with named locals."""

    def __init__(self, name, fields, fused):
        """fields: the struct's, four bytes each."""
        self.name, self.fields, self.fused = name, fields, fused
        self.locals, self.types, self.code = {'t': 0}, [], []

    def local(self, name, kind):
        if name not in self.locals:
            self.locals[name] = len(self.locals)
            self.types.append(kind)
        return name

    def op(self, *lines):
        self.code += lines

    def get(self, *names):
        self.op(*(f'local.get {self.locals[n]}' for n in names))

    def set(self, name, kind='v128'):
        self.op(f'local.set {self.locals[self.local(name, kind)]}')

    def field(self, name, load='i32.load'):
        self.get('t')
        self.op(f'{load} {4 * self.fields.index(name)}')

    def add(self, name, amount):
        """Adds a local, or a number, to a local."""
        self.get(name)
        if isinstance(amount, int):
            self.op(f'i32.const {amount}')
        else:
            self.get(amount)
        self.op('i32.add')
        self.set(name)

    def load(self, name, pointer, offset=0):
        self.get(pointer)
        self.op(f'v128.load {offset}:p2align=2')
        self.set(name)

    def madd(self, total, x, y):
        self.get(x, y)
        if self.fused:
            self.get(total)
            self.op('f32x4.relaxed_madd')
        else:
            self.op('f32x4.mul')
            self.get(total)
            self.op('f32x4.add')
        self.set(total)

    def text(self):
        name = self.name
        return '\n'.join([
            f'\t.section .text.{name},"",@', f'\t.globl {name}', f'\t.hidden {name}',
            f'\t.type {name},@function', f'{name}:', f'\t.functype {name} (i32) -> ()',
            '\t.local ' + ', '.join(self.types)] + ['\t' + line for line in self.code] +
            ['\tend_function', ''])


def write(kernel, kernels):
    """The command line `fam_wasm.py ISA FILE`: writes the text of kernel(*k, fused) for all kernels k."""
    isa, path = sys.argv[1:]
    fused = {'simd128': False, 'relaxed': True}[isa]
    with open(path, 'w') as out:
        out.write('\n'.join(kernel(*k, fused) for k in kernels))
