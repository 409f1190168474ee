"""Runs that belong together: streams, which keep state in the engine from run to run, and batches."""
import json

from ._engine import js_exception
from ._errors import AshoreError
from ._values import Receiver, dumps


def run_all(run, feeds):
    """One run after the other: a list of their results.  The first failure ends them; it has `index`,
    of its run, and `results`, of those before it."""
    feeds, results = list(feeds), []
    for each in feeds:
        try:
            results.append(run(each))
        except AshoreError as error:
            raise error.in_batch(len(feeds), results) from error.__cause__
    return results


async def run_all_async(run, feeds):
    """As run_all(), of what is awaited."""
    feeds, results = list(feeds), []
    for each in feeds:
        try:
            results.append(await run(each))
        except AshoreError as error:
            raise error.in_batch(len(feeds), results) from error.__cause__
    return results


def _check(session, state, initial):
    # What streams.js would say in JavaScript's words.
    kept = {info.name: info for info in session.inputs if info.name in state.values()}
    for name in initial:
        if name not in state.values():
            raise AshoreError("ERR_NAME", f"initial: input '{name}' is not of the state", input=name)
    for name, info in kept.items():
        known = info.kind == "tensor" and info.shape is not None and all(
            isinstance(extent, int) for extent in info.shape)
        if name not in initial and not known:
            advice = f"Give its first value: initial={{'{name}': array}}"
            raise AshoreError("ERR_SHAPE", f"the extents of '{name}' ({info.text}) are not known. "
                              f"{advice}", input=name, advice=advice)


class Stream:
    """Runs of a model, each of which takes the state that the one before it has left in the engine.

    Made by Model.stream().  A run that fails or is cancelled leaves the state as it was.  Streams and
    runs of the model take turns.
    """

    def __init__(self, session, state, initial=None):
        self._session = session
        self._state = dict(state)
        initial = dict(initial or {})
        _check(session, self._state, initial)
        parcel, layouts = session.pack_values(initial)
        self._handle = session.call("stream", dumps({"state": self._state, "initial": layouts}),
                                    *parcel.buffers)

    @property
    def inputs(self):
        """What its runs take: those of the model that are no state."""
        kept = self._state.values()
        return [info for info in self._session.inputs if info.name not in kept]

    @property
    def outputs(self):
        """What its runs give: those of the model that are no state."""
        return [info for info in self._session.outputs if info.name not in self._state]

    def _live(self):
        if self._handle is None:
            raise AshoreError("ERR_STATE", "the stream is closed")
        return self._handle

    def _prepare(self, feeds, outputs):
        for name in feeds:
            if name in self._state.values():
                raise AshoreError("ERR_NAME", f"input '{name}' is state, which the stream keeps",
                                  input=name)
        return [info.name for info in self.outputs] if outputs is None else list(outputs)

    def run(self, feeds, outputs=None, into=None):
        """Outputs by name, as of Model.run().  outputs may name state, which is copied out then."""
        names = self._prepare(feeds, outputs)
        return dict(zip(names, self._session.run_into(feeds, names, into, self._live())))

    async def run_async(self, feeds, outputs=None, into=None):
        """As run(), in slices between which the event loop goes on.  A task that is cancelled ends
        its run."""
        names = self._prepare(feeds, outputs)
        return dict(zip(names, await self._session.run_async(feeds, names, into, self._live())))

    def run_all(self, feeds, outputs=None):
        """One run for each of a list of inputs: the list of results.  The first failure ends them: the
        AshoreError has `index` and `results`, and the state is that after the last one that ran."""
        return run_all(lambda each: self.run(each, outputs), feeds)

    async def run_all_async(self, feeds, outputs=None):
        """As run_all(), in slices between which the event loop goes on."""
        return await run_all_async(lambda each: self.run_async(each, outputs), feeds)

    def state(self):
        """A copy of the state, by input: to be kept, and given to reset() or as `initial`."""
        result = json.loads(self._call("state"))
        receiver = Receiver(result["bytes"])
        values = {name: receiver.make(layout) for name, layout in result["values"]}
        if receiver.buffers:
            self._call("take", *receiver.buffers)
        return values

    def reset(self, state=None):
        """Begins again, from the first state or from what state() gave."""
        if state is None:
            self._call("reset")
            return
        parcel, layouts = self._session.pack_values(dict(state))
        self._call("reset", dumps(layouts), *parcel.buffers)

    def _call(self, name, *arguments):
        try:
            return getattr(self._live(), name)(*arguments)
        except js_exception() as error:
            raise AshoreError.of(error) from None

    def close(self):
        """Gives the state back.  Runs that wait are refused."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None) is not None:
            self.close()
