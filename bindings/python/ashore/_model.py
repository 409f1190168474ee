"""Models, as the JavaScript package has them."""
import json

from ._engine import Session, bridge
from ._stream import Stream, run_all, run_all_async


class Model:
    """A model that is loaded.  Runs are made at once, or await each other."""

    def __init__(self, session):
        self._session = session

    @property
    def inputs(self):
        """What the model takes: a list of ValueInfo."""
        return self._session.inputs

    @property
    def outputs(self):
        """What it gives: a list of ValueInfo."""
        return self._session.outputs

    @property
    def report(self):
        """What it runs on: module, variant, threads; what is missing, why, and what that costs; ms."""
        return self._session.report

    def _names(self, outputs):
        return [info.name for info in self.outputs] if outputs is None else list(outputs)

    def run(self, feeds, outputs=None, into=None):
        """Outputs by name: all, or those named.  feeds: values by the names of inputs: arrays, whatever
        has a buffer, lists of numbers or texts; lists for sequences, None for an empty optional.
        into: arrays or other buffers by output, of its type and its shape, that take it and are the
        result."""
        names = self._names(outputs)
        results = self._session.run_into(feeds, names, into) if into else \
            self._session.run(feeds, names)
        return dict(zip(names, results))

    async def run_async(self, feeds, outputs=None, into=None):
        """As run(), in slices between which the event loop goes on.  A task that is cancelled ends
        its run."""
        names = self._names(outputs)
        return dict(zip(names, await self._session.run_async(feeds, names, into)))

    def run_all(self, feeds, outputs=None):
        """One run for each of a list of inputs: the list of results.  The first failure ends them: the
        AshoreError has `index`, of the run, and `results`, of those before it."""
        return run_all(lambda each: self.run(each, outputs), feeds)

    async def run_all_async(self, feeds, outputs=None):
        """As run_all(), in slices between which the event loop goes on."""
        return await run_all_async(lambda each: self.run_async(each, outputs), feeds)

    def stream(self, state, initial=None):
        """A Stream: runs that keep state in the engine.  state: outputs that are inputs of the next
        run, {'stateN': 'state'}.  initial: first values by input; default: zeros of the extents that
        the model declares.  Where it does not declare all, they have to be given."""
        return Stream(self._session, state, initial)

    def memory(self):
        """Bytes that the model holds: weights, packed, slab, outputs; total: the peak so far; wasm:
        what the engine has taken from the browser."""
        return self._session.figures("figures")

    def predict(self, dims=None):
        """Bytes that a run takes whose inputs have these extents, by name."""
        return self._session.figures("predict", dims)

    def profile(self):
        """Seconds and runs of each step, of a model that was loaded with profile=True."""
        return self._session.figures("profile")

    def close(self):
        """Gives the engine back, with its memory and its threads."""
        self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def open(source, **options):
    """A model, at once, from a path of Pyodide's file system or an object with its bytes.

    Options, as in the JavaScript package: name, threads (1: this one alone), strict,
    memory_limit in bytes, optimize, profile.  AshoreError says what is wrong.
    """
    return Model(Session.open(source, **options))


async def load(source, on_progress=None, **options):
    """A model from an address, or a Blob, File or ArrayBuffer of JavaScript's.

    on_progress: called with the phase, the bytes that are there and all.  Options: those of open(),
    and cache, manifest, sha256, external ({location: address}).
    """
    return Model(await Session.load(source, on_progress, **options))


async def ready():
    """Waits until the threads of the next session have started, which they do while Python awaits
    something: a session that is opened earlier has one thread, and its report says so."""
    await bridge().ready()


def report():
    """What register() has prepared: version, variant, threads, and what is missing, as a dict."""
    return json.loads(bridge().report())
