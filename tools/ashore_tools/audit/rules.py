"""The rules: what a finding can be about.  docs/audit.md has the same table."""

from typing import Dict, NamedTuple

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


class Rule(NamedTuple):
    """A rule; `severity` is that of most of its findings, `group` a heading of the report."""

    id: str
    group: str
    severity: str
    title: str


_IMPORTS, _CALLS, _FILES = "Imports", "Calls", "Files and environment"
_DEVICE, _EXPOSED, _SOURCE = "Devices", "What leaves your hands", "Source"

_ROWS = (
    Rule("syntax", _SOURCE, ERROR, "a file cannot be parsed"),
    Rule("unreadable", _SOURCE, ERROR, "a file is too large, is no text, or cannot be read"),
    Rule("page", _SOURCE, ERROR, "tags of a page with programs, or what the page itself asks for"),
    Rule("ignore", _SOURCE, WARNING, "an ignore comment names a rule that does not exist"),
    Rule("stdlib-absent", _IMPORTS, ERROR, "a module of the standard library that Pyodide lacks"),
    Rule("stdlib-removed", _IMPORTS, ERROR,
         "a module that the standard library had before Python 3.14"),
    Rule("stdlib-name", _IMPORTS, ERROR, "a name that a module of the standard library lacks"),
    Rule("distribution", _IMPORTS, ERROR,
         "a package of Pyodide's distribution that is not in its npm package"),
    Rule("no-wheel", _IMPORTS, ERROR, "a package of which no wheel was given"),
    Rule("native-package", _IMPORTS, ERROR,
         "a package that needs machine code of another platform, or a GPU"),
    Rule("native-module", _IMPORTS, ERROR, "a compiled module beside the program"),
    Rule("local-module", _IMPORTS, ERROR, "a module of the program's own that is not there"),
    Rule("wheel", _IMPORTS, ERROR, "a wheel or lock file that does not fit or is broken"),
    Rule("version", _IMPORTS, ERROR, "a requirement that the versions at hand do not fulfil"),
    Rule("requirement", _IMPORTS, WARNING, "a requirement that cannot be read, or is not used"),
    Rule("optional-import", _IMPORTS, NOTE, "an import that is missing, and that the program "
                                            "expects"
         " to be missing"),
    Rule("dynamic-import", _IMPORTS, NOTE, "an import whose name is computed"),
    Rule("threads", _CALLS, ERROR, "a thread is started"),
    Rule("processes", _CALLS, ERROR, "a process is started, or signalled"),
    Rule("sockets", _CALLS, ERROR, "a socket is connected, or listens"),
    Rule("network", _CALLS, ERROR, "HTTP and other protocols over sockets"),
    Rule("cross-origin", _CALLS, WARNING, "requests that browsers allow where the server does"),
    Rule("server", _CALLS, ERROR, "a server is run"),
    Rule("signals", _CALLS, WARNING, "signals and timers of the system"),
    Rule("stdin", _CALLS, ERROR, "something is read from a terminal"),
    Rule("terminal", _CALLS, ERROR, "terminals and locks of files"),
    Rule("desktop", _CALLS, ERROR, "windows, browsers and sound of the desktop"),
    Rule("native-library", _CALLS, ERROR, "a shared library is loaded"),
    Rule("event-loop", _CALLS, WARNING, "asyncio where the browser's event loop differs"),
    Rule("sleep", _CALLS, NOTE, "a wait that stops everything else"),
    Rule("exit", _CALLS, WARNING, "the interpreter is ended"),
    Rule("time-zones", _CALLS, ERROR, "time zones by name"),
    Rule("install", _CALLS, WARNING, "packages are installed while the program runs"),
    Rule("gradio", _CALLS, ERROR, "a component, parameter or event that gradio has not in a page"),
    Rule("device", _DEVICE, ERROR, "a GPU or another device"),
    Rule("provider", _DEVICE, WARNING, "an execution provider that is not there"),
    Rule("model-format", _DEVICE, ERROR, "weights in a format that needs another library"),
    Rule("file-missing", _FILES, ERROR, "a file is read that is not part of the app"),
    Rule("absolute-path", _FILES, ERROR, "a path of this machine"),
    Rule("file-lost", _FILES, WARNING, "what is written is gone when the page is closed"),
    Rule("environment", _FILES, WARNING, "an environment variable that nobody sets"),
    Rule("secret", _EXPOSED, ERROR, "a key or token that everyone could read"),
    Rule("secret-likely", _EXPOSED, WARNING, "something that looks like a password or key"),
    Rule("secret-environment", _EXPOSED, WARNING, "a key or token that the program expects"),
    Rule("weights", _EXPOSED, NOTE, "weights that everyone can copy"),
)

RULES: Dict[str, Rule] = {rule.id: rule for rule in _ROWS}
GROUPS = tuple(dict.fromkeys(rule.group for rule in _ROWS))
