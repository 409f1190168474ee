"""Short programs for rules of Python and numpy that are easily got wrong, and what they are given."""

from programs import HEAD, Program

RULES = []
# What pages say that they cannot compute, and no handler of the program keeps from being seen.
LIMITS = []


def of_text(name, body, given, out="gr.JSON()"):
    """A function of a text."""
    RULES.append(_program(name, "text", "gr.Textbox()", body, [[text] for text in given], out))


def of_two(name, body, given, fails=False, whole=False):
    """A function of two numbers."""
    field = "gr.Number(precision=0)" if whole else "gr.Number()"
    RULES.append(_program(name, "a, b", f"[{field}, {field}]", body, given, "gr.JSON()", fails))


def alone(name, body):
    """A function whose result does not depend on what it is given."""
    of_text(name, body, ["a"])


def _program(name, parameters, inputs, body, given, out, fails=False):
    lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    source = f"{HEAD}import math\n\ndef fn({parameters}):\n{lines}\n\n" \
             f"gr.Interface(fn, {inputs}, {out}).launch()\n"
    return Program(f"rule_{name}", source, given, False, fails, {})


# ---- numbers -------------------------------------------------------------------------------------

PAIRS = [[7, 2], [-7, 2], [7, -2], [2.5, 1], [-0.5, 3], [1, 0.1], [-1, 1], [3, -3], [1e16, 3], [0, 5]]
of_two("floor_division", "return [str(float(a // b)), str(float(a % b))]", PAIRS)
of_two("divmod", "return [*divmod(a, b)]", [[7, 2], [-7, 2], [5, -3]], whole=True)
of_two("no_negative_zero", "return f'{-a:.1f} {a * -1:.1f} {float(-a)}'", [[0, 0], [3, 0]])
of_two("no_negative_zero_of_ints", "return f'{-a} {(-a) / 2} {float(a * -5)} {(0 // b) / 3}'",
       [[0, -5], [3, -2]], whole=True)
of_two("negative_zero", "x = a / 3\nreturn f'{-x:.1f} {x * -1:.1f} {abs(-x)}'", [[0, 0]])
of_two("powers", "return a ** b", [[2, 3], [2, -1], [-8, 3], [3, 33], [5, 22], [0, 0], [2, 0.5]])
of_two("powers_that_fail", "return a ** b", [[0, -1], [1e200, 2]], fails=True)
of_two("round_to_tens", "return [round(a, -2), round(a, -1), round(a), round(a, 0), round(b, 1)]",
       [[1234, 5], [1250, 15], [-1250, 25], [1350, 0], [-40, 1]], whole=True)
of_two("nan_is_true", "x = a * float('nan')\nreturn [bool(x), 1 if x else 2]", [[1, 0]])
of_two("percent_of_inf", "x = a * float('inf')\nreturn f'{x:.0%}|{x:8.2f}'", [[1, 0], [-1, 0], [0, 0]])
of_two("large_fields", "return f'{a} {b}'", [[1e16, 3], [1e22, 2]])
of_two("radians", "return [math.radians(a), math.floor(b)]", [[17, 2.5], [123.4, -2.5], [37, -0.5]])

# ---- sets and match ------------------------------------------------------------------------------

of_text("in_a_set", """
stop = {'the', 'a', 'of'}
words = [w for w in text.split() if w not in stop]
return [words, text in stop, '1' in set(['1', '2']), len({1, 1.0, True, 2}), sorted({3, 1, 2}),
        1 if set() else 2, {1, 2} == {2, 1}, {1} <= {1, 2}, (1, 2) in {(1, 2)}]
""", ["the cat of a house", "a", ""])
of_text("match", """
match text:
    case 'a' | 'b':
        kind = 'letter'
    case '':
        kind = 'none'
    case other if len(other) > 3:
        kind = f'long {other}'
    case _:
        kind = 'short'
return kind
""", ["a", "b", "", "abcd", "abc"])
of_two("match_numbers", """
match a:
    case 1:
        x = b
    case 2 | -3:
        x = -b
    case n:
        x = n + b
for i in range(3):
    match i:
        case 1:
            x += i
match None:
    case None:
        x += 1
return x
""", [[1, 5], [2, 5], [-3, 5], [4, 5]])

# ---- texts ---------------------------------------------------------------------------------------

LETTERS = ["they're o'neil a1b", "中a文b", "ΑΣ ΟΔΟΣ", "ß straße", "ǆabc", "İstanbul", "éa e\u0301a", "",
           "x\ty\n z ", "ﬁsh ⅷ ⓐb", "ÀÉ àé", "ა ბ"]
for _method in ("title", "capitalize", "lower", "upper", "split", "splitlines"):
    of_text(_method, f"return text.{_method}()", LETTERS)
of_text("digits_of_scripts", "try:\n    return [int(text), float(text)]\nexcept Exception:\n"
        "    return 'none'", ["12", "１２", "٣٤", "𝟗", " -0 ", "²", "1_0", "1__0", ""])
of_text("exponent", "return float(text)", ["1e1_0", "5.", ".5e-3"])
of_text("clean_markdown", "return text + '\\n    indented'", ["\n\n a\tb", "  a\n    b", ""],
        "gr.Markdown()")

# ---- control flow --------------------------------------------------------------------------------

alone("walrus_in_a_comprehension", "y = 0\nz = [y := i for i in range(3)]\nreturn [y, z]")
alone("walrus_as_a_condition", "y = 5\nz = [y for x in 'ab' if (y := x)]\nreturn [y, z]")
alone("expressions_once", "def f():\n    print('f')\n    return 0\nd = [1, 2]\nd[f()] += 1\nreturn d")
of_text("finally", "try:\n    return float(text)\nexcept Exception:\n    return 'bad'\nfinally:\n"
        "    print('done')", ["1", "x"])
of_text("set_before_it_fails", "x = 0.0\ntry:\n    x = float(text)\nexcept Exception:\n    pass\n"
        "return x", ["1", "x"])
of_text("filled_before_it_fails", "found = []\nfor part in text.split():\n    try:\n"
        "        found.append(float(part))\n    except Exception:\n        found.append(-1.0)\n"
        "return found", ["1 x 2", ""])
of_text("error_of_gradio", "try:\n    if not text:\n        raise gr.Error('empty')\n"
        "    return float(text)\nexcept gr.Error:\n    return 'caught'\nexcept Exception:\n"
        "    return 'other'", ["", "a", "1"])
of_text("missing_key", "d = {'a': 'x'}\nv = d.get(text)\nreturn 'none' if v is None else v", ["a", "c"])
of_text("iterators_once", "numbers = map(float, text.split())\nreturn np.array(list(numbers)).tolist()",
        ["1 2", ""])
of_text("ranges", "return [[i for i in range(1, len(text))], list(range(len(text), 0, -2)), "
        "np.arange(len(text)).tolist()]", ["", "a", "abc", "abcdefghij"])

of_text("any_and_all", "words = ['good', 'bad']\nparts = text.split()\nreturn [any(w in text for w in "
        "words), all(w in text for w in words), any(p == 'good' for p in parts), all(parts), "
        "any([]), all([0.5, len(text)])]", ["good", "", "a bad good", "x"])

# ---- objects that have several names -------------------------------------------------------------

alone("list_times", "a = [1]\nb = a\na *= 2\na += [3]\nreturn [a, b]")
alone("arrays_in_lists", "x = np.array([1.0, 2.0])\ny = [x, x]\ny[0] += 1\n"
      "return [v.tolist() for v in y] + [x.tolist()]")
alone("arrays_in_dicts", "x = np.array([1.0, 2.0])\nd = {'a': x}\nd['a'] += 1\nreturn x.tolist()")
alone("astype_without_copy", "x = np.zeros(2)\ny = x.astype(np.float64, copy=False)\ny += 1\n"
      "return x.tolist()")
alone("views_of_dicts", "d = {'a': 1}\nv = d.values()\nd['b'] = 2\nreturn [list(v), list(d.keys())]")

# ---- numpy ---------------------------------------------------------------------------------------

of_two("floor_division_of_arrays", "x = np.array([a, b], dtype=np.float32)\n"
       "y = np.array([b, 0.1], dtype=np.float32)\n"
       "return [str(float(v)) for v in x // y] + [str(float(v)) for v in x % y]",
       PAIRS + [[1, 0], [-1, 0], [0, 0]])
of_two("nan_in_arrays", "x = np.array([a, b], dtype=np.float32) * np.nan\n"
       "return [bool(x.any()), bool(np.all(x)), x.astype(bool).tolist()]", [[1, 2]])
of_two("no_negative_zero_in_arrays", "return [f'{v:.1f}' for v in -np.array([a, b])] + "
       "[f'{v:.1f}' for v in np.array([a, b]) * -1]", [[0, 2], [3, 0]])
of_two("arrays_and_lists", "x = np.array([[a, b]], dtype=np.float32)\ny = (x - [0.5, 1]) / (2, 3)\n"
       "return [y.dtype.name, y.tolist(), ([1, 2] * x).tolist()]", [[1, 2], [0.1, 0.2]])
alone("signs_of_zero", "x = np.array([-0.3, 0.0, -0.5, -2.5]) * 1.0\ny = np.array([7, 0])\n"
      "return [str(v) for v in np.rint(x)] + [str(v) for v in np.sign(x * -1)] + "
      "[str(float(v)) for v in -y] + [str(v) for v in (y * -3) / 2.0]")
alone("float32_as_text", "return [str(v) for v in np.array([0.1, 1e16, 1e-5, 0.0001, 1 / 3, 1e20, 0], "
      "dtype=np.float32)]")
alone("too_many_degrees_of_freedom", "return str(np.array([1.0, 3.0]).var(ddof=3))")
alone("kinds_of_numbers", "x = np.array([1.5], dtype=np.float32)\ny = x.astype(np.int32)\n"
      "return [isinstance(x[0], np.floating), isinstance(x[0], float), isinstance(y[0], np.integer), "
      "isinstance(y[0], int), isinstance(x, np.ndarray), isinstance(text, object)]")
of_text("checkbox", "return len(text)", ["a", ""], "gr.Checkbox()")


# ---- limits --------------------------------------------------------------------------------------


def limited(name, body, given, whole=False):
    """A function of two numbers or, where it is given one, of a text."""
    if isinstance(given, str):
        LIMITS.append(_program(name, "text", "gr.Textbox()", body, [[given]], "gr.JSON()"))
        return
    field = "gr.Number(precision=0)" if whole else "gr.Number()"
    LIMITS.append(_program(name, "a, b", f"[{field}, {field}]", body, [given], "gr.JSON()"))


limited("large_int", "try:\n    return int(text)\nexcept Exception:\n    return 'bad'",
        "12345678901234567890")
limited("sum_of_ints", "return sum([a, b])", [2 ** 53 - 1, 1], whole=True)
limited("int_and_large_int", "return a + b", [1e22, 1], whole=True)
limited("power_with_a_fraction", "return int(2 ** a)", [-2, 0], whole=True)
limited("complex_power", "try:\n    return a ** b\nexcept Exception:\n    return 'bad'", [-8, 0.5])
limited("zero_of_unknown_kind", "x = a - b\nreturn f'{-x:.1f}'", [0.5, 0.5])
limited("size_of_float32", "return str(np.float32(a))", [123456789, 0])
limited("order_of_nan", "return sorted([float(x) for x in text.split()])", "1 nan 2")
limited("title_of_two_letters", "return text.title()", "ǰa")
limited("json_with_nan", "return text", '{"a": NaN}')
