"""What a plan cannot say exactly is refused, with the line and the reason."""

import re

import pytest

from ashore_tools.plan.make import refusal
from conftest import Refused, plan_of, write

HEAD = """import gradio as gr
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps
session = ort.InferenceSession("picture.onnx")

def fn(image, number, text):
"""
TAIL = """
gr.Interface(fn, [gr.Image(type="pil"), gr.Number(), gr.Textbox()], "json").launch()
"""
FIRST = HEAD.count("\n") + 1  # the line of a body's first statement

# The body of fn, the line of the body that is refused, and words of the reason.
BODIES = [
    ("image.thumbnail((8, 8))", 1, "thumbnail.. reduces in two steps"),
    ("x = 1\nreturn image.filter(3)", 2, "method of pictures"),
    ("return image.rotate(30)", 1, "method of pictures"),
    ("return image.convert('CMYK')", 1, "mode 'CMYK'"),
    ("return image.convert('RGBA').resize((8, 8))", 1, "transparency"),
    ("return image.resize((8, 8), reducing_gap=2.0)", 1, "reducing_gap"),
    ("image.save('a.png')", 1, "method of pictures"),
    ("return Image.open(text).size", 1, "which picture is opened"),
    ("open('log.txt', 'w').write(text)", 1, "files are written"),
    ("return open(text).read()", 1, "which file is opened"),
    ("import cv2\nreturn cv2.resize(np.array(image), (8, 8))", 2, "cv2 is not in a page"),
    ("import torch\nx = torch.tensor([1.0])", 2, "torch is not in a page"),
    ("import librosa\nreturn librosa.load(text)", 2, "librosa is not in a page"),
    ("import requests\nreturn requests.get(text).text", 2, "requests is not in a page"),
    ("return np.random.rand(3)", 1, "numpy.random is not in a page"),
    ("return np.fft.fft(np.array(image))", 1, "numpy.fft is not in a page"),
    ("return np.array(image).astype(np.float16)", 1, "float16 is not in a page"),
    ("return np.exp(np.array(image))", 1, "float16"),
    ("x = np.array(image)\nif x:\n    return 1", 2, "as a condition"),
    ("return np.einsum('ijk->k', np.array(image))", 1, "numpy.einsum"),
    ("return np.array(image).cumsum()", 1, "method of arrays"),
    ("return np.unique(np.array(image))", 1, "numpy.unique"),
    ("return np.argpartition(np.array(image).ravel(), 3)", 1, "numpy.argpartition"),
    ("x = np.array(image)\ny = x[0]\nx += 1\nreturn y.sum()", 4, "changed in place"),
    ("x = np.array(image)\ny = x.T\nx[0] = 1\nreturn y", 4, "elements have been set"),
    ("return np.array(image)[np.array([0, 1]), np.array([0, 1])]", 1, "two lists of indices"),
    ("return f'{image}'", 1, "a picture as text"),
    ("return f'{np.array(image)}'", 1, "array of uint8"),
    ("return str(number * 2)", 1, "format '' of a number"),
    ("return f'{number * 2!r}'", 1, "repr"),
    ("return f'{text:{number}}'", 1, "format"),
    ("return '%s' % text", 1, "f-string"),
    ("return text.encode()", 1, r"\.encode\(\)"),
    ("return text.isdigit()", 1, r"\.isdigit\(\)"),
    ("import re\nreturn re.sub('a', 'b', text)", 2, "regular expressions"),
    ("import json\nreturn json.dumps({'a': text})", 2, "json.dumps"),
    ("global count\ncount = 1", 2, "changed for later calls"),
    ("CACHE[text] = 1", 1, "lasts from call to call"),
    ("HISTORY.append(text)\nreturn HISTORY", 1, "lasts from call to call"),
    ("COUNTS += 1\nreturn COUNTS", 1, "lasts from call to call"),
    ("for i in range(int(number)):\n    print(i)\nreturn i", 1, "fills 0 lists or dicts"),
    ("a = []\nb = []\nfor c in text:\n    a.append(c)\n    b.append(c)\nreturn a", 3,
     "fills 2 lists or dicts"),
    ("a = []\nfor c in text:\n    a.append(c)\n    if c == 'x':\n        break\nreturn a", 2, "break"),
    ("a = []\nfor c in text:\n    a.append(c)\nreturn c", 4, "c is set in a loop|not defined"),
    ("while number > 1:\n    number = number / 2\nreturn number", 1, "how often the loop runs"),
    ("yield text", 1, "generators and coroutines"),
    ("try:\n    return 1 / number\nexcept ZeroDivisionError:\n    return 0", 1,
     "a handler for some exceptions"),
    ("try:\n    return 1 / number\nexcept Exception as e:\n    return str(e)", 4,
     "words of an exception"),
    ("try:\n    return float(text)\nexcept ValueError:\n    return 1\nexcept Exception:\n    return 2", 1,
     "a handler for some exceptions"),
    ("try:\n    return float(text)\nexcept Exception as e:\n    return isinstance(e, ValueError)", 4,
     "which exception it is"),
    ("n = 0\ntry:\n    n = 1\n    float(text)\n    n = 2\nexcept Exception:\n    pass\nreturn n", 8,
     "whether n has been set"),
    ("a = []\ntry:\n    a.append(1)\n    a.append(float(text))\nexcept Exception:\n    pass\nreturn a", 2,
     "changed before something else goes wrong"),
    ("a = []\nlast = 0.0\nfor c in text.split():\n    last = last + float(c)\n    a.append(last)\n"
     "return a", 4, "last goes from round to round"),
    ("last = ''\nreturn [last := last + c for c in text]", 2, "last goes from round to round"),
    ("last = ''\na = [last := c for c in text]\nreturn last", 3, "last is set in a loop"),
    ("a = zip('ab', 'cd')\nreturn [list(a), list(a)]", 2, "gone through more than once"),
    ("a = map(float, text.split())\nreturn [len(a)]", 2, r"len\(\) of an? iter"),
    ("a = (c for c in text)\nreturn list(a)", 1, "computes when it is asked"),
    ("return str({'a': 1}.keys())", 1, "view of a dict"),
    ("x = np.array([float(c) for c in text]).reshape(-1, 1)\na = []\nfor row in x:\n    row += 1\n"
     "    a.append(float(row[0]))\nreturn x.tolist()", 4, "an element of another one"),
    ("return np.array(image).sum(dtype=np.uint8)", 1, "with the dtype uint8"),
    ("return np.array([number]).dtype.name", 1, "have a fraction"),
    ("return {float(c): c for c in text}", 0, "a key that is a float"),
    ("return np.array(image, copy=False)", 1, "copy"),
    ("a = []\nfor c in text:\n    if c == 'x':\n        return 'x'\n    a.append(c)\nreturn a", 2, "return, in a"),
    ("a = []\nb = a\nfor c in text:\n    a.append(c)\nreturn b", 5, "by another name than a"),
    ("a = []\nd = {'a': a}\nfor c in text:\n    a.append(c)\nreturn d", 0, "gone"),
    ("a = []\ndef fill(b):\n    for c in text:\n        b.append(c)\nfill(a)\nreturn a", 6,
     "by another name than b"),
    ("class A:\n    def __len__(self):\n        return 0\nreturn 1 if A() else 2", 4,
     "an object as a condition"),
    ("class A:\n    def __getattr__(self, name):\n        return 0\nreturn A().b", 2, "__getattr__"),
    ("part = COUNTS[:1]\npart[0] = 5\nreturn part.tolist()", 1, "lasts from call to call"),
    ("return sorted([image])", 1, "an order of a picture"),
    ("return max(np.array(image))", 1, r"use np.max"),
    ("return sum(np.array(image))", 1, r"use np.sum"),
    ("return eval(text)", 1, "not in a page without Python"),
    ("return {1, 2}", 0, "set cannot be given"),
    ("return {text}", 1, "a set of values that are known in the page"),
    ("return [w for w in {'a', 'b'}]", 1, "going through set|set"),
    ("return sorted({'a', 'bb'}, key=len)", 1, "an order of a set by a key"),
    ("return set(text)", 1, "known in the page"),
    ("return {'a'} | {'b'}", 1, "set"),
    ("x = 0\na = []\nfor c in text:\n    match c:\n        case x:\n            a.append(x)\nreturn x", 7,
     "x is set in a loop|not defined"),
    ("match text:\n    case [a, b]:\n        return a", 2, "a pattern that is more than values"),
    ("match text:\n    case str():\n        return 1", 2, "a pattern that is more than values"),
    ("return isinstance(number, int)", 1, "whether a number is an int"),
    ("return [text][int(number)] + [text, 1][int(number)]", 1, "different types"),
    ("return {'a': 1, 'b': 'x'}[text]", 1, "which entry of the dict"),
    ("return float(np.zeros((1, 1)) + number)", 1, "take the element"),
    ("x = np.array(image.resize((8, 8)), np.float32)\nreturn session.run(None, {'input': x})", 0,
     r"fn.. ends with InvalidArgument in any case: Invalid rank"),
    ("return undefined + 1", 0, "ends with NameError in any case"),
    ("return session.run(None, {text: np.zeros((1, 3, 8, 8), np.float32)})", 1,
     "known in the page only|inputs that are no dict"),
    ("return session.run(None, {'input': [1.0, 2.0]})", 1, "not an array"),
    ("return session.get_modelmeta()", 1, "get_modelmeta"),
    ("return ort.InferenceSession(text)", 1, "which model is opened"),
    ("class A(dict):\n    pass\nreturn 1", 1, "classes with bases"),
    ("async def g():\n    pass", 1, "statement of this kind"),
    ("return np.array(image).astype(np.float32) ** text", 1, "is not in a page|no operand"),
    ("x = np.array(image)\nreturn x[:, x[0] > 4]", 2, "a mask of more than one axis"),
    ("return np.squeeze(np.array(image))", 1, "which axes squeeze"),
    ("return gr.Textbox(value=text)", 1, "components change"),
    ("return gr.update(choices=['a'])", 0, "gr.update"),
    ("return ImageOps.autocontrast(image)", 1, "autocontrast"),
    ("return helper(helper(text))", 1, "calls itself"),
    ("from math import gamma\nreturn gamma(number)", 1, "gamma"),
    ("return getattr(image, text)", 1, "attribute's name"),
    ("return 2 ** 60 + int(number)", 1, "53 bits"),
    ("return np.zeros(3, dtype=text)", 1, "dtype that is known in the page"),
    ("return text[::int(number)]", 1, "step of a slice"),
    ("return np.pad(np.array(image), 1, mode='edge')", 1, "another mode"),
    ("return [a + b for a in text for b in text]", 1, "loops in loops"),
    ("a = [1, 2]\na[int(number)] = 3\nreturn a", 2, "element of a lst is set|set"),
]


@pytest.mark.parametrize("body, line, reason", BODIES, ids=[b[0].split("\n")[-1][:40] for b in BODIES])
def test_a_refusal_has_its_line_and_reason(body, line, reason, models, tmp_path):
    indented = "\n".join("    " + one for one in body.split("\n"))
    source = HEAD + indented + TAIL
    head = "CACHE = {}\nHISTORY = []\nCOUNTS = np.zeros(3)\ndef helper(x):\n    return helper(x) + x\n"
    source = source.replace("\ndef fn(", "\n" + head + "def fn(")
    if "COUNTS += 1" in body:
        source = source.replace("    COUNTS += 1", "    c = COUNTS\n    c += 1")
    program = write(tmp_path, {"app.py": source}, models)
    with pytest.raises(Refused) as refused:
        plan_of(program)
    text = refusal(program, refused.value)
    assert re.search(reason, text), text
    place = re.match(r".*app\.py:(\d+): ", text)
    assert place, text
    first = FIRST + head.count("\n")
    wanted = first + line - 1
    if "COUNTS" in body:
        wanted += 1
    if line and "calls itself" not in reason:
        assert int(place[1]) == wanted, text


PROGRAMS = [
    ("print(1)\n", 1, "opens no model"),
    ("import gradio as gr\ndemo = gr.Interface(lambda x: x, 'text', 'text')\n", 1,
     "launches no interface"),
    ("import gradio as gr\ngr.Interface(lambda x: x, gr.Audio(type='filepath'), 'text').launch()\n", 2,
     "the value of gr.Audio"),
    ("import gradio as gr\ngr.Interface(lambda x: x, 'text', gr.Audio()).launch()\n", 2,
     "shown with gr.Audio"),
    ("import gradio as gr\nimport onnxruntime as ort\ns = ort.InferenceSession('none.onnx')\n", 3,
     "FileNotFoundError"),
    ("import gradio as gr\nx = unknown + 1\n", 2, "NameError"),
    ("import gradio as gr\ndef f(x, progress=gr.Progress()):\n    return x\n"
     "gr.Interface(f, 'text', 'text').launch()\n", 2, "shows progress"),
    ("import gradio as gr\nwith gr.Blocks() as d:\n    t = gr.Textbox()\n"
     "    t.select(lambda e: e, t, t)\n    s = gr.State(1)\n    t.submit(lambda s: s, s, s)\nd.launch()\n",
     6, "the value of gr.State"),
    ("import gradio as gr\nimport numpy as np\nn = np.zeros(3)\nif n.sum() > 1:\n    pass\n", 4,
     "depends on what is known in the page only"),
    ("import gradio as gr\ngr.Interface(lambda x: x, gr.Video(), 'text').launch()\n", 2, "gr.Video"),
]


@pytest.mark.parametrize("source, line, reason", PROGRAMS, ids=[p[2] for p in PROGRAMS])
def test_a_program_that_is_refused(source, line, reason, models, tmp_path):
    program = write(tmp_path, {"app.py": source}, models)
    with pytest.raises(Refused) as refused:
        plan_of(program)
    text = refusal(program, refused.value)
    assert re.search(rf"app\.py:{line}: .*{reason}", text), text
