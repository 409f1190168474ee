"""Calls a function of the program, of whatever kind, and hands on what it gives piece by piece."""

from __future__ import annotations

import asyncio
import inspect
import typing
from typing import Any, AsyncIterator, Callable

from ._helpers import EventData, Progress, Request


async def results(fn: Callable, args: list) -> AsyncIterator[Any]:
    """What a function returns, or a generator yields; each plain or asynchronous. Between two
    pieces of a generator others get their turn, so that it can be stopped there."""
    made = fn(*args)
    if inspect.isawaitable(made):
        made = await made
    if inspect.isasyncgen(made):
        try:
            async for one in made:
                yield one
        finally:
            await made.aclose()
    elif inspect.isgenerator(made):
        try:
            for one in made:
                yield one
                await asyncio.sleep(0)
        finally:
            made.close()
    else:
        yield made


def _kind(fn: Callable, parameter: inspect.Parameter) -> Any:
    """The type of a parameter; None where it says none, or nothing that can be found."""
    kind = parameter.annotation
    if isinstance(kind, str):
        try:
            kind = typing.get_type_hints(fn).get(parameter.name)
        except (NameError, TypeError, AttributeError):
            return None
    for one in (kind, *typing.get_args(kind)):
        if isinstance(one, type) and issubclass(one, (EventData, Request)):
            return one
    return None


def arguments(fn: Callable, values: list, target: Any, event: dict | None) -> tuple[list, list]:
    """The arguments of a call, with Progress, Request and EventData where the function asks for
    them; and the Progress objects."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return values, []
    rest, args, progress = list(values), [], []
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            break
        kind = _kind(fn, parameter)
        if isinstance(parameter.default, Progress):
            args.append(parameter.default)
            progress.append(parameter.default)
        elif kind is not None:
            args.append(Request() if issubclass(kind, Request) else kind(target, event))
        elif rest:
            args.append(rest.pop(0))
        elif parameter.default is not parameter.empty:
            args.append(parameter.default)
        else:
            break
    return args + rest, progress
