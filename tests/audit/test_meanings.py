"""What names stand for: the work grows with the program, whatever its names refer to."""

import pytest

from conftest import found

from ashore_tools.audit.meanings import Meanings


def circle(count):
    """Classes whose methods make, keep and hand on each other."""
    lines = ["import os"]
    for i in range(count):
        others = [(i * 7 + k) % count for k in range(1, 5)]
        lines += [f"class C{i}(C{others[0]}):", "    def __init__(self, x):"]
        lines += [f"        self.a{k} = x.a{o} or C{o}(self).a{k}" for k, o in enumerate(others)]
        lines += ["    def go(self):"]
        lines += [f"        self.b = C{o}(self.b).go() if self.a{k} else self.go(self.b)"
                  for k, o in enumerate(others)]
    return "\n".join(lines + ["C0(1).go().a1", "os.system('ls')"]) + "\n"


def names(count):
    """Each of many names stands for all that are before and behind it."""
    return "import os\n" + "".join(
        f"def f{i}(): return f{(i + 1) % count}() or f{(i + 3) % count}(x{i})\n"
        f"x{i} = f{(i * 3) % count} or x{(i + 1) % count} or x{(i + 5) % count}(x{i - 1})\n"
        for i in range(1, count)) + "os.system(x1())\n"


@pytest.mark.parametrize("program", [circle, names])
def test_the_work_grows_with_the_program(audit, monkeypatch, program):
    counts, compute = [0], Meanings._compute

    def counted(self, *arguments):
        counts[0] += 1
        return compute(self, *arguments)

    monkeypatch.setattr(Meanings, "_compute", counted)
    work = []
    for size in (20, 40, 80):
        counts[0] = 0
        assert (size_of(program(size)), "processes") in found(audit(program(size)), "error")
        work.append(counts[0])
    assert work[2] < 8 * work[0], work  # eight times: quadratic growth would be sixteen


def size_of(text):
    return text.count("\n")


def test_circles_have_all_that_leads_into_them(audit):
    text = "import os\na = b\nb = c or a\nc = a or os.system\n"
    for name in "abc":
        assert (5, "processes") in found(audit(text + f"{name}('ls')\n"), "error"), name
