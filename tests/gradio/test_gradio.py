"""The Python side: configurations, values both ways, generators, updates, errors."""

import asyncio
import io
import json
import wave

import numpy
import pytest
from PIL import Image as Pillow

BOTH = """
    import gradio as gr
    with gr.Blocks() as demo:
        it = {made}
        out = {out}
        button = gr.Button("go")
        button.click({fn}, it, out)
    demo.launch()
"""


def answer(program, made, fn, payload, out="gr.JSON()"):
    ran = program(BOTH.format(made=made, fn=fn, out=out))
    return ran.call(ran["button"], "click", payload)[-1][0]["value"]


@pytest.mark.parametrize("made, payload, wanted", [
    ("gr.Textbox()", "a", "a"), ("gr.Textbox()", None, None),
    ("gr.Number()", 3, 3), ("gr.Number(precision=0)", 2.5, 2), ("gr.Number(precision=1)", 2.25, 2.2),
    ("gr.Slider(0, 10)", 4.5, 4.5), ("gr.Checkbox()", 1, True),
    ("gr.Radio([('A', 1), 'b'])", 1, 1), ("gr.Radio(['a', 'b'], type='index')", "b", 1),
    ("gr.Dropdown(['a', 'b'], multiselect=True)", ["b"], ["b"]),
    ("gr.Dropdown(['a'], allow_custom_value=True)", "z", "z"),
    ("gr.CheckboxGroup(['a', 'b'], type='index')", ["a", "b"], [0, 1]),
    ("gr.Label()", {"label": "a", "confidences": [{"label": "a", "confidence": 0.5}]}, {"a": 0.5}),
    ("gr.Dataframe(type='array', datatype=['number', 'bool', 'str'])",
     {"headers": ["a", "b", "c"], "data": [["1", "true", "x"], ["1.5", "no", "2"]]},
     [[1, True, "x"], [1.5, False, "2"]]),
    ("gr.Dataframe(type='numpy')", {"headers": ["a"], "data": [[1], [2]]}, [[1], [2]]),
])
def test_preprocess(program, made, payload, wanted):
    assert answer(program, made, "lambda v: v", payload) == wanted


@pytest.mark.parametrize("out, value, wanted", [
    ("gr.Textbox()", "5", "5"), ("gr.Number()", "__import__('numpy').float32(0.5)", 0.5),
    ("gr.Label(num_top_classes=1)", "{'a': 0.1, 'b': 0.9}",
     {"label": "b", "confidences": [{"label": "b", "confidence": 0.9}]}),
    ("gr.Label()", "'plain'", {"label": "plain"}),
    ("gr.JSON()", "{'a': __import__('numpy').arange(3)}", {"a": [0, 1, 2]}),
    ("gr.JSON()", "'[1, 2]'", [1, 2]),
    ("gr.Markdown()", "'  # a\\n  b'", "# a\nb"),
    ("gr.Dataframe()", "{'a': [1, 2], 'b': [3, 4]}",
     {"headers": ["a", "b"], "data": [[1, 3], [2, 4]]}),
    ("gr.Dataframe(headers=['x'])", "[[1, 2]]", {"headers": ["x", "2"], "data": [[1, 2]]}),
    ("gr.Chatbot(type='messages')", "[{'role': 'user', 'content': 'a'}]",
     [{"role": "user", "content": "a", "title": None}]),
])
def test_postprocess(program, out, value, wanted):
    assert answer(program, "gr.Textbox()", f"lambda v: {value}", "x", out) == wanted


def picture(mode="RGB"):
    image = Pillow.new(mode, (3, 2), (255, 0, 0) if mode == "RGB" else 7)
    out = io.BytesIO()
    image.save(out, "PNG")
    return {"name": "p.png", "type": "image/png", "bytes": out.getvalue()}


@pytest.mark.parametrize("kind", ["numpy", "pil", "array", "filepath"])
def test_pictures_both_ways(program, kind):
    shown = answer(program, f"gr.Image(type='{kind}')", "lambda v: v", picture(), "gr.Image()")
    image = Pillow.open(io.BytesIO(shown["bytes"]))
    assert image.size == (3, 2) and image.convert("RGB").getpixel((2, 1)) == (255, 0, 0)


@pytest.mark.parametrize("value, wanted", [
    ("numpy.full((2, 3), 0.5)", 128), ("numpy.full((2, 3), 300)", 255), ("numpy.ones((2, 3), bool)", 255),
    ("[[9, 9, 9], [9, 9, 9]]", 9), ("numpy.full((2, 3), 7, 'uint8')", 7)])
def test_pictures_of_arrays(program, value, wanted):
    fn = f"lambda v, numpy=__import__('numpy'): {value}"
    shown = answer(program, "gr.Textbox()", fn, "", "gr.Image()")
    image = Pillow.open(io.BytesIO(shown["bytes"]))
    assert image.size == (3, 2) and set(image.tobytes()) == {wanted}


@pytest.mark.parametrize("value", ["numpy.full((2, 3), 1.5)", "numpy.zeros((2, 3, 5))", "numpy.zeros(3)",
                                   "b'bytes'", "numpy.zeros((0, 3, 3))"])
def test_what_is_no_picture(program, value):
    fn = f"lambda v, numpy=__import__('numpy'): {value}"
    with pytest.raises(ValueError, match="a picture"):
        answer(program, "gr.Textbox()", fn, "", "gr.Image()")


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_sounds_of_any_width(program, width):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(8000)
        samples = [0, 64, -64] if width > 1 else [128, 192, 64]
        file.writeframes(b"".join((one << 8 * max(0, width - 1)).to_bytes(
            width, "little", signed=width > 1) for one in samples))
    payload = {"name": "a.wav", "type": "audio/wav", "bytes": out.getvalue()}
    got = answer(program, "gr.Audio()", "lambda v: [v[0], v[1].tolist()]", payload)
    assert got == [8000, [0, 64 << 8, -64 << 8]]


@pytest.mark.parametrize("value, wanted", [
    ("numpy.array([0, 100], 'int16')", [0, 100]), ("numpy.array([0, .5, -.25])", [0, 32767, -16383]),
    ("numpy.array([[1, 2], [3, 4]], 'int16')", [1, 2, 3, 4]), ("[5, 6]", [5, 6]),
    ("numpy.array([1 << 16], 'int32')", [1])])
def test_sounds_of_arrays(program, value, wanted):
    fn = f"lambda v, numpy=__import__('numpy'): (16000, {value})"
    shown = answer(program, "gr.Textbox()", fn, "", "gr.Audio()")
    with wave.open(io.BytesIO(shown["bytes"])) as file:
        assert file.getframerate() == 16000
        assert numpy.frombuffer(file.readframes(9), "<i2").tolist() == wanted


def test_updates(program):
    ran = program("""
        import gradio as gr
        with gr.Blocks() as demo:
            a, b, c = gr.Textbox("x"), gr.Dropdown(["p"]), gr.Slider(0, 1)
            button, other = gr.Button("1"), gr.Button("2")
            button.click(lambda: (gr.update(visible=False, label="L"),
                                  gr.Dropdown(choices=["q", ("R", 2)], value=2), gr.skip()),
                         None, [a, b, c])
            other.click(lambda v: {a: v, c: gr.update(maximum=5)}, b, [a, b, c])
        demo.launch()
    """)
    assert ran.call(ran["button"], "click") == [[
        {"visible": False, "label": "L"},
        {"choices": [["q", "q"], ["R", 2]], "value": 2}, {}]]
    assert ran.call(ran["other"], "click", 2) == [[{"value": "2"}, {}, {"maximum": 5}]]


@pytest.mark.parametrize("fn, wanted", [
    ("lambda n: n", [3]), ("async_fn", [3]), ("partial", [3]), ("Callable()", [3]),
    ("generator", [1, 2, 3]), ("async_generator", [1, 2, 3])])
def test_functions_of_all_kinds(program, fn, wanted):
    ran = program(f"""
        import functools
        import gradio as gr
        async def async_fn(n):
            return n
        def generator(n):
            for i in range(n):
                yield i + 1
        async def async_generator(n):
            for i in range(n):
                yield i + 1
        partial = functools.partial(lambda a, n: n, 1)
        class Callable:
            def __call__(self, n):
                return n
        demo = gr.Interface({fn}, gr.Number(), gr.Number())
        demo.launch()
    """)
    got = ran.call(ran["demo"].submit, "click", 3)
    assert [piece[0]["value"] for piece in got] == wanted
    assert (ran["demo"].stop is not None) == (len(wanted) > 1), "what yields can be stopped"


def test_special_parameters_and_progress(program):
    ran = program("""
        import gradio as gr
        def fn(a, evt: gr.SelectData, request: gr.Request, progress=gr.Progress(), more=5):
            for _ in progress.tqdm([1, 2], desc="D"):
                pass
            progress(0.5)
            gr.Warning("careful")
            return [a, evt.index, evt.target._id, type(request).__name__, more]
        with gr.Blocks() as demo:
            it = gr.Radio(["a"])
            out = gr.JSON()
            it.select(fn, it, out)
        demo.launch()
    """)
    told = []
    got = ran.call(ran["it"], "select", "a", data={"index": 0, "value": "a"}, notify=told.append)
    assert got[0][0]["value"] == ["a", 0, ran["it"]._id, "Request", 5]
    assert [(one.get("value"), one.get("index")) for one in told[:4]] == [
        (0, 0), (0.5, 1), (1, 2), (0.5, None)]
    assert told[4]["level"] == "warning" and told[4]["message"] == "careful"


def test_one_at_a_time_and_cancelled(program):
    ran = program("""
        import asyncio
        import gradio as gr
        log = []
        async def slow(n):
            log.append(("start", n))
            try:
                for i in range(3):
                    yield i
                    await asyncio.sleep(0.01)
            finally:
                log.append(("end", n))
        with gr.Blocks() as demo:
            n, out, button = gr.Number(), gr.Number(), gr.Button()
            button.click(slow, n, out)
        demo.launch()
    """)
    fn, posted = ran.fn(ran["button"], "click"), []

    async def run():
        server = ran.host.Server(posted.append)
        for call in (1, 2, 3):
            assert server.handle({"type": "call", "call": call, "fn": fn,
                                  "data": {"values": [call], "event": None}})
        await asyncio.sleep(0.005)
        server.handle({"type": "cancel", "call": 1})
        server.handle({"type": "cancel", "call": 99})
        assert not server.handle({"type": "boot"})
        while server.tasks:
            await asyncio.sleep(0.01)
    asyncio.run(run())
    assert ran["log"] == [(what, n) for n in (1, 2, 3) for what in ("start", "end")]
    assert [one["call"] for one in posted if one.get("cancelled")] == [1]
    assert [one["call"] for one in posted if one.get("final")] == [2, 3]


def test_errors_name_the_program_and_the_next_call_works(program):
    ran = program("""
        import gradio as gr
        def fn(n):
            if n == 1:
                raise gr.Error("mine", duration=3, title="T")
            if n == 2:
                return {}["lost"]
            if n == 3:
                raise SystemExit(4)
            return 1, 2
        with gr.Blocks() as demo:
            n, a, b, button = gr.Number(), gr.Number(), gr.Number(), gr.Button()
            button.click(fn, n, [a, b])
            n.change(lambda n: 5, n, [a, b])
        demo.launch()
    """)
    posted = []

    async def run():
        server = ran.host.Server(posted.append)
        for call, fn in enumerate([ran.fn(ran["button"], "click")] * 4
                                  + [ran.fn(ran["n"], "change"), 999], 1):
            server.handle({"type": "call", "call": call, "fn": fn,
                           "data": {"values": [call], "event": None}})
        while server.tasks:
            await asyncio.sleep(0)
    asyncio.run(run())
    errors = {one["call"]: one for one in posted if one["type"] == "error"}
    assert (errors[1]["message"], errors[1]["title"], errors[1]["duration"]) == ("mine", "T", 3)
    assert errors[1]["traceback"] is None
    assert 'return {}["lost"]' in errors[2]["traceback"] and "_host" not in errors[2]["traceback"]
    assert errors[3]["message"] == "SystemExit: 4"
    assert 4 not in errors and [{"value": 1}, {"value": 2}] in [one.get("data") for one in posted]
    assert "needed: 2, returned: 1" in errors[5]["message"]
    assert "no function 999" in errors[6]["message"]


def test_interactive_as_gradio_decides_it(program):
    ran = program("""
        import gradio as gr
        with gr.Blocks() as demo:
            read, written, both = gr.Textbox(), gr.Textbox(), gr.Textbox("v")
            empty, valued, forced = gr.Textbox(), gr.Textbox("v"), gr.Textbox(interactive=False)
            button = gr.Button()
            button.click(lambda a, b: (a, b), [read, both], [written, both])
        demo.launch()
    """)
    shown = {name: ran.props(ran[name])["interactive"]
             for name in ("read", "written", "both", "empty", "valued", "forced", "button")}
    assert shown == {"read": True, "written": False, "both": True, "empty": True, "valued": False,
                     "forced": False, "button": True}


def test_interface_parts(program):
    ran = program("""
        import gradio as gr
        def fn(first, second):
            return first, second
        demo = gr.Interface(fn, ["text", gr.Number(label="N")], ["text", "number"], title="T",
                            description="D", article="A", examples=[["a", 1]])
        demo.queue().launch(share=True, server_name="0.0.0.0")
    """)
    kinds = [c["type"] for c in ran.config["components"]]
    assert kinds == ["markdown", "markdown", "row", "column", "textbox", "number", "row",
                     "clearbutton", "button", "column", "textbox", "number", "dataset", "markdown"]
    labels = [c["props"]["label"] for c in ran.config["components"]
              if c["type"] in ("textbox", "number")]
    assert labels == ["first", "N", "output 0", "output 1"]
    assert ran.config["mode"] == "interface"


def test_interfaces_in_blocks_and_tabs(program):
    ran = program("""
        import gradio as gr
        def twice(x):
            return x + x
        one = gr.Interface(twice, "text", "text")
        two = gr.Interface(twice, gr.Number(), "number", live=True)
        with gr.Blocks() as demo:
            gr.TabbedInterface([one, two], ["One", "Two"])
            with gr.Tab("inside"):
                gr.Interface(twice, gr.Textbox(label="in"), gr.Textbox(label="out"))
        demo.launch()
    """)
    ids = [c["id"] for c in ran.config["components"]]
    assert len(ids) == len(set(ids))
    assert [c["props"]["label"] for c in ran.config["components"] if c["type"] == "tab"] == [
        "One", "Two", "inside"]
    functions = [d for d in ran.config["dependencies"] if d["backend_fn"]]
    assert len(functions) == 3
    assert all(target in ids for d in functions for target, _ in d["targets"])
    assert json.loads(json.dumps(ran.config)) == ran.config, "a page can take it"


def test_nothing_launched(program):
    assert program("print(1)").config is None


@pytest.mark.parametrize("line, message", [
    ("gr.Video()", "gr.Video is not supported; use gr.Image"),
    ("gr.Textbox(colour='red')", "gr.Textbox has no parameter colour"),
    ("gr.Timer(0)", "0 is no number of seconds"),
    ("gr.Image(streaming=True)", "gr.Image: streaming is not supported"),
    ("gr.Image(sources=['webcam'])", "gr.Image: sources='webcam' is not supported"),
    ("gr.Image(type='tensor')", "type='tensor' is not supported; it can be 'numpy'"),
    ("gr.Button('a', 'b')", "gr.Button takes at most 1 arguments by position"),
    ("gr.Textbox().stream(print)", "gr.Textbox has no event or property stream; its events are"),
    ("gr.Textbox().change(print, js='x')", "js is not supported"),
    ("gr.Textbox().change(print, batch=True)", "batch is not supported"),
    ("gr.Textbox().change(print, 'name')", "inputs of an event are components"),
    ("gr.Interface(print, 'video', 'text')", "gr.Video is not supported"),
    ("gr.Interface(print, 'nothing', 'text')", "there is no component 'nothing'"),
    ("gr.Radio(['a'], type='number')", "it can be 'value', 'index'"),
    ("gr.Blocks(js='alert(1)')", "gr.Blocks: js is not supported"),
    ("gr.Examples([[1, 2]], gr.Number())", "example 1 has 2 values for 1 inputs"),
])
def test_unsupported_with_place(program, tmp_path, line, message):
    from gradio import Unsupported
    with pytest.raises(Unsupported) as caught:
        program(f"""
            import gradio as gr
            with gr.Blocks() as demo:
                x = {line}
        """)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'app.py'}:4: ")
    assert caught.value.line == 4


def test_values_that_cannot_be_shown_name_the_component(program, tmp_path):
    from gradio import Unsupported
    for made in ("gr.Image('lost.png')", "gr.Image('https://example.org/a.png')"):
        with pytest.raises(Unsupported, match=r"app.py:4: the value of gr.Image cannot be shown"):
            program(f"""
                import gradio as gr
                with gr.Blocks() as demo:
                    {made}
                demo.launch()
            """)


def test_hasattr_and_modules(program):
    ran = program("""
        import gradio as gr
        import gradio.themes
        from gradio.components import Textbox
        assert not hasattr(gr, "Nonesuch") and hasattr(gr, "Textbox")
        assert not hasattr(gr.Textbox(), "stream") and gr.Textbox("v").value == "v"
        assert gr.themes.Soft(primary_hue=gr.themes.colors.blue).set(a=1)
        with gr.Blocks(theme=gr.themes.Soft(), title="T", css="p { color: red }") as demo:
            Textbox()
        demo.launch()
    """)
    assert (ran.config["title"], ran.config["css"]) == ("T", "p { color: red }")


class Series:
    """An array: what numpy and pandas have of one."""

    def __init__(self, *values):
        self.values = values

    def tolist(self):
        return list(self.values)


class Frame:
    """A table as pandas has it."""
    columns = ["a", 2]
    values = Series([1, float("nan")], ["x", None])


class Polars:
    """A table as polars has it."""
    columns = ["a", "b"]

    def rows(self):
        return [(1, 2), (3, 4)]


@pytest.mark.parametrize("value, headers, data", [
    ([[1, 2], [3]], ["1", "2"], [[1, 2], [3, None]]),
    ([1, 2], ["1"], [[1], [2]]), ([], [], []), ((("a",),), ["1"], [["a"]]),
    ({"a": [1, 2], "b": ["x", None]}, ["a", "b"], [[1, "x"], [2, None]]),
    ({"a": [1, 2], "b": [3]}, ["a", "b"], [[1, 3], [2, None]]),
    ({"a": 1, "b": 2}, ["a", "b"], [[1, 2]]),
    ({"a": Series(1, 2), "b": (3, 4)}, ["a", "b"], [[1, 3], [2, 4]]),
    ({"headers": ["h"], "data": [[1, 2]], "metadata": None}, ["h", "2"], [[1, 2]]),
    ({"data": Series([1])}, ["1"], [[1]]),
    ([{"a": 1}, {"b": 2, "a": 3}], ["a", "b"], [[1, None], [3, 2]]),
    (Series([1, 2], [3, 4]), ["1", "2"], [[1, 2], [3, 4]]), (Series(1, 2), ["1"], [[1], [2]]),
    (Frame(), ["a", "2"], [[1, None], ["x", None]]), (Polars(), ["a", "b"], [[1, 2], [3, 4]]),
    ([[True, 1.5, {"k": 1}, b"x"]], ["1", "2", "3", "4"], [[True, 1.5, "{'k': 1}", "b'x'"]]),
])
def test_values_of_tables(value, headers, data):
    import gradio
    table = gradio.Dataframe(type="array")
    assert table.postprocess(value) == {"headers": headers, "data": data}


def test_tables_out_of_files(tmp_path):
    import gradio
    (tmp_path / "a.csv").write_text('x,"y, z"\n1,2\n')
    assert gradio.DataFrame().postprocess(str(tmp_path / "a.csv")) == {
        "headers": ["x", "y, z"], "data": [["1", "2"]]}


def test_values_that_are_computed_again(program):
    made = program("""
        import gradio as gr
        seen = []
        with gr.Blocks() as demo:
            n = gr.Number(2)
            clock = gr.Timer(5)
            a = gr.Textbox(lambda: seen.append(1) or len(seen), every=2.5, label="a")
            b = gr.Textbox(lambda x: x * 3, inputs=n, label="b")
            c = gr.Textbox(lambda: "c", every=clock, label="c")
        demo.launch()
    """)
    timers = [c["props"] for c in made.config["components"] if c["type"] == "timer"]
    assert [one["value"] for one in timers] == [5, 2.5]
    assert not {"every", "inputs"} & set(made.props(made["a"]))
    assert made.props(made["b"])["value"] is None
    assert made.props(made["c"])["value"] == "c"
    assert made.call(made["n"], "change", 4) == [[{"value": "12"}]]
    assert made.call(made["clock"], "tick") == [[{"value": "c"}]]
    loads = [d for d in made.config["dependencies"] if [made.config["root"], "load"] in d["targets"]]
    assert len(loads) == 3


def test_values_are_computed_again_in_blocks_only():
    import gradio
    with pytest.raises(gradio.Unsupported, match="every= and inputs= work inside of"):
        gradio.Textbox(lambda: 1, every=1)


def test_what_is_done_with_messages(program):
    made = program("""
        import gradio as gr
        with gr.Blocks() as demo:
            chat = gr.Chatbot(type="messages")
            out = gr.Textbox()
            def like(data: gr.LikeData):
                return f"{data.index} {data.value} {data.liked}"
            def retry(history, data: gr.RetryData):
                return f"{len(history)} {data.index} {data.value}"
            def undo(history, data: gr.UndoData):
                return f"{len(history)} {data.index}"
            chat.like(like, None, out)
            chat.retry(retry, chat, out)
            chat.undo(undo, chat, out)
        demo.launch()
    """)
    told = {"index": 1, "value": "v", "liked": False}
    asked = [{"role": "user", "content": "q"}]
    chat = made["chat"]
    assert made.call(chat, "like", data=told) == [[{"value": "1 v False"}]]
    assert made.call(chat, "retry", asked, data=told) == [[{"value": "1 1 v"}]]
    assert made.call(chat, "undo", asked, data=told) == [[{"value": "1 1"}]]


def test_axes_are_shown_by_their_figure():
    import gradio

    class Figure:
        def savefig(self, out, **_):
            out.write(b"png")
    axes = type("Axes", (), {"figure": Figure()})()
    assert gradio.Plot().postprocess(axes)["bytes"] == b"png"
