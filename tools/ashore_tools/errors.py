"""How a tool gives up."""

USAGE, INPUT, INTERNAL, UNSUPPORTED = 2, 3, 4, 5  # exit codes, as `ashore --help` lists them


class ToolError(Exception):
    """Ends a tool: the message is printed after the tool's name, `code` is the exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def clean(text):
    """Text out of a file as terminals may have it: what is not printable is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
