"""A static check: which parts of Gradio a program names that are not here, before it is run.

    findings = check(ast.parse(source), "app.py")    # [(line, message, advice)]

Nothing of the program is imported or run."""

from __future__ import annotations

import ast

try:
    from . import _supported
except ImportError:  # read by a tool that lies beside the file alone
    import _supported  # type: ignore


class _Names(ast.NodeVisitor):
    """Under which names a program knows gradio, its parts, and the components it makes."""

    def __init__(self):
        self.modules: set[str] = set()
        self.parts: dict[str, tuple[str, int]] = {}
        self.made: dict[str, str | None] = {}  # variable: component; None where there are several

    def visit_Import(self, node: ast.Import):
        for alias in node.names:
            if alias.name == "gradio":
                self.modules.add(alias.asname or "gradio")
            elif alias.name.startswith("gradio.") and alias.asname is None:
                self.modules.add("gradio")

    def visit_ImportFrom(self, node: ast.ImportFrom):
        if node.level == 0 and node.module in ("gradio", "gradio.components", "gradio.layouts"):
            for alias in node.names:
                self.parts[alias.asname or alias.name] = (alias.name, node.lineno)

    def part(self, node: ast.AST) -> str | None:
        """The name in gradio that an expression stands for."""
        if isinstance(node, ast.Name):
            return self.parts[node.id][0] if node.id in self.parts else None
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in self.modules:
                return node.attr
            inner = self.part(node.value)
            if inner in ("components", "layouts"):
                return node.attr
        return None

    def _note(self, target: ast.AST, value: ast.AST):
        if not isinstance(target, ast.Name):
            return
        name = self.part(value.func) if isinstance(value, ast.Call) else None
        known = self.made.get(target.id, name)
        self.made[target.id] = name if name == known else None

    def visit_Assign(self, node: ast.Assign):
        for target in node.targets:
            self._note(target, node.value)
        self.generic_visit(node)

    def visit_With(self, node: ast.With):
        for item in node.items:
            if item.optional_vars is not None:
                self._note(item.optional_vars, item.context_expr)
        self.generic_visit(node)


ALIASES = {"TabItem": "Tab", "TextArea": "Textbox", "Text": "Textbox", "Json": "JSON",
           "DataFrame": "Dataframe", "Files": "File", "List": "Dataframe"}

# Makers of figures that gr.Plot of Gradio takes, and that draw by scripts of their own.
DRAWERS = {"plotly", "altair", "bokeh"}


def _table(name: str) -> tuple[dict, bool] | None:
    name = ALIASES.get(name, name)
    if name in _supported.COMPONENTS:
        return _supported.COMPONENTS[name], True
    for tables in (_supported.LAYOUTS, _supported.CLASSES):
        if name in tables:
            return tables[name], False
    return None


def _constant(node: ast.AST):
    """A literal's value; `ast` itself for anything else, which is equal to no value."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast


class _Check(ast.NodeVisitor):
    def __init__(self, names: _Names):
        self.names = names
        self.found: list[tuple[int, str, str]] = []

    def say(self, node: ast.AST, message: str, advice: str = ""):
        self.found.append((node.lineno, message, advice))

    def name(self, node: ast.AST, name: str):
        if name in _supported.UNSUPPORTED:
            self.say(node, f"gr.{name} is not supported", _supported.UNSUPPORTED[name])
        elif not (_table(name) or name in _supported.FUNCTIONS or name.startswith("_")
                  or name in ("layouts", "Unsupported", "*")):
            self.say(node, f"gradio has no {name} here", "docs/gradio.md lists what there is")

    def visit_ImportFrom(self, node: ast.ImportFrom):
        if node.level == 0 and node.module in ("gradio", "gradio.components", "gradio.layouts"):
            for alias in node.names:
                self.name(node, alias.name)
        elif node.level == 0 and (node.module or "").startswith("gradio.") \
                and node.module != "gradio.themes":
            self.say(node, f"the module {node.module} is not there",
                     "import what it has from gradio itself")

    def visit_Attribute(self, node: ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id in self.names.modules:
            self.name(node, node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call):
        part = self.names.part(node.func)
        table = _table(part) if part else None
        if table:
            self.arguments(node, f"gr.{part}", *table)
            for parameter, value, advice in _supported.REFUSED_VALUES.get(part, []):
                for keyword in node.keywords:
                    if keyword.arg == parameter and _constant(keyword.value) in (value, [value]):
                        self.say(keyword.value, f"gr.{part}: {parameter}={value!r} is not "
                                 "supported", advice)
            if part in ("Interface", "ChatInterface"):
                self.shortcuts(node)
        elif part == "on":
            self.arguments(node, "gr.on", {**_supported.LISTENER, "positional":
                                           ["triggers", *_supported.LISTENER["positional"]]}, False,
                           extra=("triggers",))
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            self.listener(node, node.func.value.id, node.func.attr)
        self.generic_visit(node)

    def listener(self, node: ast.Call, variable: str, event: str):
        """component.event(...), for variables that are one component all along."""
        kind = self.names.made.get(variable)
        table = _table(kind) if kind else None
        if not table:
            return
        events = table[0]["events"]
        if event in events:
            self.arguments(node, f"the listener of {variable}.{event}", _supported.LISTENER, False)
        elif event in ALL_EVENTS:
            self.say(node, f"gr.{kind} has no event {event}", f"its events are {', '.join(events)}"
                     if events else "listen to another component")

    def arguments(self, node: ast.Call, what: str, table: dict, component: bool, extra=()):
        known, refused = set(table["parameters"]) | set(extra), dict(table["refused"])
        accepted = set(table["accepted"])
        if component:
            known |= set(_supported.COMMON["parameters"])
            accepted |= set(_supported.COMMON["accepted"])
            refused = {**_supported.COMMON["refused"], **refused}
        count = len(node.args)
        if not any(isinstance(one, ast.Starred) for one in node.args) \
                and count > len(table["positional"]):
            self.say(node, f"{what} takes at most {len(table['positional'])} arguments by position",
                     "name the others")
        for keyword in node.keywords:
            if keyword.arg is None:
                continue
            if keyword.arg in refused:
                if _constant(keyword.value) not in (None, False):
                    self.say(keyword.value, f"{what}: {keyword.arg} is not supported",
                             refused[keyword.arg])
            elif keyword.arg not in known and keyword.arg not in accepted:
                self.say(keyword.value, f"{what} has no parameter {keyword.arg}",
                         f"it takes {', '.join(sorted(known))}")

    def shortcuts(self, node: ast.Call):
        """Components by name in inputs= and outputs= of gr.Interface."""
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        given.update(zip(("fn", "inputs", "outputs"), node.args))
        lower = {name.lower(): name for name in _supported.UNSUPPORTED}
        for key in ("inputs", "outputs", "additional_inputs"):
            value = given.get(key)
            items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
            for item in items:
                name = item.value.lower() if isinstance(item, ast.Constant) \
                    and isinstance(item.value, str) else None
                if name in lower:
                    self.say(item, f"gr.{lower[name]} is not supported",
                             _supported.UNSUPPORTED[lower[name]])


ALL_EVENTS = {event for tables in (_supported.COMPONENTS, _supported.LAYOUTS)
              for table in tables.values() for event in table["events"]} | {
    "apply", "double_click", "edit", "example_select", "key_up", "like", "option_select",
    "pause_recording", "retry", "stream", "tick", "undo"}


def _drawn(tree: ast.AST, names: _Names) -> list[tuple[int, str, str]]:
    """Imports of what makes figures that cannot be shown, in a program that has a gr.Plot."""
    if not any(names.part(node) == "Plot" for node in ast.walk(tree)):
        return []
    found = []
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
            [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        for module in modules:
            if module.split(".")[0] in DRAWERS:
                found.append((node.lineno, f"gr.Plot shows figures of matplotlib, not of {module}",
                              "draw with matplotlib"))
    return found


def check(tree: ast.AST, filename: str = "") -> list[tuple[int, str, str]]:
    """What a program asks of gradio that is not here: line, message and advice, by line."""
    names = _Names()
    names.visit(tree)
    if not names.modules and not names.parts and not _imports(tree):
        return []
    checker = _Check(names)
    checker.visit(tree)
    return sorted({*checker.found, *_drawn(tree, names)})


def _imports(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gradio"
               for node in ast.walk(tree))
