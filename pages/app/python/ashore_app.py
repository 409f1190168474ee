"""Runs the user's program in the page, as __main__, and says what went wrong in terms of it."""

import builtins
import json
import os
import sys
import tokenize
import traceback

import ashore_packages
import ashore_snapshot
import ashore_waits

FOLDER = "/app"


def _no_input(prompt="", /):
    """Stands in for input()."""
    raise EOFError("input() has nobody to ask: a page has no terminal")


def _prepare(entry):
    ashore_snapshot.give_way(FOLDER)
    ashore_packages.offer()
    ashore_waits.explain()
    os.chdir(FOLDER)
    sys.path.insert(0, FOLDER)
    sys.argv = [entry]
    builtins.input = _no_input
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)
    names = sys.modules["__main__"].__dict__
    names["__file__"] = os.path.join(FOLDER, entry)
    return names


async def run(entry):
    """Runs a file of the folder, top-level await included.

    Returns None when it ran to its end, else what went wrong as JSON."""
    from pyodide.code import eval_code_async

    names = _prepare(entry)
    path = names["__file__"]
    try:
        with tokenize.open(path) as file:
            source = file.read()
        if ashore_waits.can_wait():
            await eval_code_async(source, names, return_mode="none", filename=path)
        else:
            await ashore_waits.run_awaited(source, names, path)
    except SystemExit as end:
        if end.code is None or end.code == 0:
            return None
        if isinstance(end.code, int):
            return _failure("The program has ended itself", f"sys.exit({end.code}) was called", end)
        return _failure("The program has ended itself", str(end.code), end)
    except BaseException as error:
        return json.dumps(describe(error))
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return None


def _failure(title, message, error):
    return json.dumps({**describe(error), "title": title, "message": message, "advice": None})


def describe(error):
    """An exception as the page shows it: title, message, frame, advice, traceback."""
    own = _from_user(error)
    place, frame = _place(error)
    kind = type(error).__name__
    return {"title": f"{place}: {kind}" if place else kind,
            "message": str(error.msg if isinstance(error, SyntaxError) else error) or kind,
            "frame": frame, "advice": _advice(error),
            "traceback": _shorten("".join(traceback.format_exception(type(error), error, own)))}


def _is_user(filename):
    return filename.startswith(FOLDER + "/")


def _from_user(error):
    """The traceback from the user's first frame on: what called it is ours."""
    trace = error.__traceback__
    while trace and not _is_user(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _place(error):
    """The user's line nearest to the error: "app.py, line 3" and what it says."""
    if isinstance(error, SyntaxError) and error.filename and _is_user(error.filename):
        lines = traceback.format_exception_only(type(error), error)[:-1]
        return f"{error.filename[len(FOLDER) + 1:]}, line {error.lineno}", _shorten("".join(lines))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_user(f.filename)]
    if not frames:
        return None, None
    place = f"{frames[-1].filename[len(FOLDER) + 1:]}, line {frames[-1].lineno}"
    return place, _shorten("".join(traceback.format_list(frames[-1:])))


def _shorten(text):
    return text.replace(f'File "{FOLDER}/', 'File "').rstrip()


def _advice(error):
    """What to do about it; None when the message says it all."""
    text = str(error)
    if isinstance(error, ModuleNotFoundError):
        return ("The page was built without a package of that name. 'ashore audit' says where it can "
                "come from; a module of your own that is imported by a computed name is taken along "
                "with --include.")
    if isinstance(error, FileNotFoundError):
        return ("In the page there are the program's folder and the files that it names by a string. "
                "Others are taken along with --include when the page is built.")
    if "input()" in text or isinstance(error, OSError) and sys.stdin and "stdin" in text:
        return "Take values by an interface (import gradio), or from a file that is taken along."
    if "can't start new thread" in text:
        return ("Python has one thread in a page. Call the function itself, or use asyncio; the "
                "engine's own threads do not need it.")
    if isinstance(error, RuntimeError) and "stack switching" in text:
        return ("Await instead: 'await main()' works everywhere, at the top level of the program, too. "
                f"Or open the page in {ashore_waits.BROWSERS}.")
    if isinstance(error, MemoryError):
        return "Close other pages, or use a smaller model: a page has 4 GB of memory at most."
    if isinstance(error, (ConnectionError, TimeoutError)):
        return "A page opens no sockets; take the data along, or fetch it with pyodide.http.pyfetch."
    return None
