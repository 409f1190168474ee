"""Starts a tool: start.py TOOL ARGUMENTS.  Kept to what old versions of Python can read, so that
they say what is needed."""

import importlib
import os
import sys

NEEDED = (3, 9)


def main():
    if sys.version_info < NEEDED:
        sys.stderr.write("ashore: Python %d.%d or newer is needed, and %s is %d.%d; ASHORE_PYTHON names "
                         "another\n" % (NEEDED + (sys.executable,) + sys.version_info[:2]))
        return 4
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tool = importlib.import_module("ashore_tools." + sys.argv[1])
    try:
        code = tool.main(sys.argv[2:])
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone; what Python would flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 4


sys.exit(main())
