"""Syntax that is newer than the Python which runs the audit."""

import ast

import pytest

from conftest import found, rules

from ashore_tools.audit import modern

# text, the names that are loaded in it
NEWER = [
    ("print(f'{a['x']}')\n", {"print", "a"}),
    ("f'{f'{f'{a}'}'}'\n", {"a"}),
    ("f'{'\\n'.join(a)}'\n", {"a"}),
    ("f'{a!r:>{b}}' 'x' f'{c=}' \"y\"\n", {"a", "b", "c"}),
    ("f'{a[1:2]!s:{'>'}10}{{}}'\n", {"a"}),
    ("x = ('a'\n  f'{b['c']}'  # note\n  'd')\n", {"b"}),
    ('f"""a\n{b["c"]  # it\'s }\n + 1:\n{d}}\n"""\ne\n', {"b", "d", "e"}),
    ("rf'\\{a['b']}' if a != b else f'{b == 'c'}'\n'doc'\n", {"a", "b"}),
    ("t'{a}' t'{b:{c}}'\n", {"a", "b", "c"}),
    ("type X = a\ntype Y[T: (int, str)] = b[T]\n", {"a", "b", "T"}),
    ("async def f[T: int, *Ts, **P](x: a) -> b: return x\n", {"a", "b", "x"}),
    ("class A[\n  T\n](b[T]): pass\nclass C[T]: pass\n", {"b", "T"}),
    ("try:\n    pass\nexcept a, b:\n    pass\n", {"a", "b"}),
]
UNTOUCHED = ["type = 1\ntype(x)\nprint(type, [1])\n", "x = {'type': 1}\nx['type'] = 2\n",
             "def f(x): return x[1]\n", "try: pass\nexcept (A, B) as e: pass\n",
             "s = 'f{' + '\\'' + r'\\'\n", "x: int = 1  # f'{'\n"]


@pytest.mark.parametrize("text, names", NEWER)
def test_it_is_rewritten(text, names):
    rewritten = modern.rewrite(text)
    tree = ast.parse(rewritten)
    assert rewritten.count("\n") == text.count("\n")
    loaded = {n.id for n in ast.walk(tree)
              if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    assert loaded == names


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_not_newer_stays(text):
    assert modern.rewrite(text) == text


@pytest.mark.parametrize("text", ["f'{", "f'''{a", "'", "f'{a!", "def f[", "f'{a:{", "t'{{",
                                  "{" * 9, "f'" + "{f'" * 5000, "\\", "except", "type X ="])
def test_broken_texts_end(text):
    assert isinstance(modern.rewrite(text), str)


@pytest.mark.parametrize("text, names", NEWER)
def test_the_audit_reads_it(audit, text, names):
    result = audit(text + "import os\nos.popen('ls')\n")
    assert rules(result, "error") == {"processes"}
    assert (text.count("\n") + 2, "processes") in found(result)


def test_what_is_wrong_beside_it_is_said(audit):
    assert found(audit("type X = int\ndef f(:\n")) == {(2, "syntax")}
    assert found(audit("x = f'{a['b']}'\ny = (\n")) == {(2, "syntax")}
