"""What programs wait for coroutines with: asyncio.run() and its like, in a loop that runs already."""

import ast
import asyncio
import functools

BROWSERS = "Chrome and Edge from 137 on, Firefox from 153 on, Safari from 27 on"


def can_wait():
    """Whether the browser can switch stacks, here."""
    from pyodide.ffi import can_run_sync
    return can_run_sync()


class _Runner:
    """Stands in for asyncio.Runner: the loop of a page runs already, and does not end."""

    def __init__(self, *, debug=None, loop_factory=None):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def get_loop(self):
        return asyncio.get_event_loop()

    def run(self, coroutine, *, context=None):
        return asyncio.run(coroutine)

    def close(self):
        pass


def explain():
    """What waits for a coroutine says, where it cannot, what that takes.  There is one loop: a second
    one would take the tasks of the first away."""
    from pyodide.webloop import WebLoop, WebLoopPolicy

    def explained(function, name):
        @functools.wraps(function)
        def wait(*args, **more):
            if can_wait() or any(asyncio.isfuture(each) and each.done() for each in args):
                return function(*args, **more)
            for each in args:
                if asyncio.iscoroutine(each):
                    each.close()
            raise RuntimeError(f"{name}() waits for its result, which takes a browser with stack "
                               f"switching (JSPI): {BROWSERS}")
        return wait

    asyncio.run = explained(asyncio.run, "asyncio.run")
    WebLoop.run_until_complete = explained(WebLoop.run_until_complete, "run_until_complete")
    asyncio.Runner = _Runner
    WebLoopPolicy.new_event_loop = lambda policy: policy._default_loop
    WebLoopPolicy.set_event_loop = lambda policy, loop: None


async def _wait(function, *args, **more):
    # A call of the program's top level.
    waits = (asyncio.run, _Runner.run, type(asyncio.get_running_loop()).run_until_complete)
    if args and getattr(function, "__func__", function) in waits:
        return await args[0]
    return function(*args, **more)


class _Awaits(ast.NodeTransformer):
    """Makes calls at a module's top level that wait for coroutines ones that are awaited."""

    def __init__(self, tree):
        self.names = {"run", "run_until_complete"} | {
            alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            for alias in node.names if alias.name == "run" and alias.asname}

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        if name not in self.names:
            return node
        call = ast.Call(ast.Name("__ashore_wait__", ast.Load()), [node.func, *node.args],
                        node.keywords)
        return ast.fix_missing_locations(ast.copy_location(ast.Await(call), node))

    def _stay(self, node):
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _stay
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _stay


async def run_awaited(source, names, path):
    """Runs a program's text in a module's names; what waits at its top level is awaited."""
    from pyodide.code import CodeRunner
    runner = CodeRunner(source, return_mode="none", filename=path,
                        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    runner.ast = _Awaits(runner.ast).visit(runner.ast)
    names["__ashore_wait__"] = _wait
    await runner.compile().run_async(names)
