"""Runs a program under CPython, repeats the calls that a page made of it, and prints the answers.

Standard input: {"path", "calls": [{"fn", "data": {"values", "event"}, "count"}]}; bytes are
{"base64"}. `count` is the number of answers after which a page stopped a call, or null."""

import asyncio
import base64
import json
import runpy
import sys


def given(value):
    if isinstance(value, dict):
        if set(value) == {"base64"}:
            return base64.b64decode(value["base64"])
        return {key: given(one) for key, one in value.items()}
    return [given(one) for one in value] if isinstance(value, list) else value


def told(value):
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {str(key): told(one) for key, one in value.items()}
    return [told(one) for one in value] if isinstance(value, (list, tuple)) else value


async def repeat(calls):
    from gradio import _host
    answers = []
    for call in calls:
        data, updates, error = given(call["data"]), [], None
        pieces = _host.call(call["fn"], data["values"], data["event"], lambda message: None)
        try:
            async for piece in pieces:
                updates.append(piece)
                if len(updates) == call["count"]:
                    break
        except Exception as problem:
            error = str(problem)
        await pieces.aclose()
        answers.append({"updates": told(updates), "error": error})
    return answers


def main():
    asked = json.load(sys.stdin)
    runpy.run_path(asked["path"], run_name="__main__")
    from gradio import _host
    config = told(_host.config())
    print(json.dumps({"config": config, "answers": asyncio.run(repeat(asked["calls"]))}))


if __name__ == "__main__":
    main()
