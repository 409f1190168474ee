"""Writes what is measured: models and inputs as files in a folder, and cases.json, which lists them.

    { "cases": [{ name, title, group, model, tolerance, slow, kind: "model" | "operator",
                  contenders: [{ label, engine, file, feeds: [{ name, type, dims, file }] }] }] }

`engine` is "ashore", "ort" (onnxruntime or onnxruntime-web), "litert" or "tfjs"; for the last, `steps`
stand in the place of `file`.  The first contender is this engine.  A contender may have `tolerance` of
its own, `layout` ("last" where its channels are last, "any" where outputs are arranged in another way),
`compare` false where its answer is another one, and `why` where it cannot run the case.
"""

import hashlib
import json
import os

import numpy as np
import onnx

import graph_model
import lite
import models
import operators
import steps


class Folder:
    def __init__(self, path):
        self.path, self.known = path, {}
        os.makedirs(path, exist_ok=True)

    def file(self, name, source):
        """The name of a file with these bytes, or of a copy of the file `source`."""
        if not isinstance(source, bytes):
            with open(source, "rb") as f:
                source = f.read()
        key = hashlib.sha256(source).digest()
        if key not in self.known:
            self.known[key] = name
            with open(os.path.join(self.path, name), "wb") as f:
                f.write(source)
        return self.known[key]

    def feeds(self, name, arrays):
        rows = []
        for i, (key, array) in enumerate(arrays.items()):
            array = np.asarray(array, order="C")
            file = f"{name}.{i}.bin"
            array.tofile(os.path.join(self.path, file))
            rows.append({"name": key, "type": array.dtype.name, "dims": list(array.shape),
                         "file": file})
        return rows


def contender(label, engine, **more):
    return {"label": label, "engine": engine, **more}


def lite_of_model(row, folder):
    """The same network from the makers of the model, or why it is not there."""
    label, engine = "LiteRT.js", "litert"
    if not row.lite:
        return contender(label, engine, why="there is no .tflite file of this model")
    if not os.path.exists(row.lite):
        return contender(label, engine, why="the package with its .tflite file is not installed")
    # BlazeFace in ONNX has outputs that the original joins.
    return contender(label, engine, file=folder.file(f"{row.name}.tflite", row.lite), layout="any")


def of_model(row, folder):
    source = row.file
    if os.path.isdir(str(source)):
        source = models.zoo.join_parts(models.row(row.name), folder.path)
    file = folder.file(f"{row.name}.onnx", source)
    arrays = row.feeds()
    if None in arrays:
        graph = onnx.load(os.path.join(folder.path, file), load_external_data=False).graph
        arrays = {graph.input[0].name: arrays[None]}
    feeds = folder.feeds(row.name, arrays)
    found = [contender("ashore", "ashore", file=file, feeds=feeds),
             contender("onnxruntime", "ort", file=file, feeds=feeds),
             {**lite_of_model(row, folder), "feeds": feeds}]
    return {"name": row.name, "title": row.title, "group": row.group, "model": row.model,
            "kind": "model", "tolerance": row.tolerance, "slow": row.slow, "contenders": found}


def feeds_of_steps(found, name, folder):
    return [{"kind": step.kind, "arrays": {
        key: folder.feeds(f"{name}-{i}-{key}", {key: array})[0]
        for key, array in step.arrays.items()}} for i, step in enumerate(found)]


def by_row(found, name, folder, more):
    """A product of 4 bits with a scale for each row instead of each block, which LiteRT does faster."""
    if found[0].kind != "int4" or lite.MISSING:
        return []
    content = lite.write([steps.Step("int4_by_row", found[0].arrays)], more["feeds"][0]["dims"])
    file = folder.file(f"{name}-by-row.tflite", content)
    return [contender(models.BY_ROW, "litert", file=file, compare=False, **more)]


def others_of_operator(row, content, arrays, folder):
    """LiteRT.js and TensorFlow.js."""
    name = f"op-{row.name}"
    try:
        found = steps.read(content)
    except steps.Unsupported as error:
        return [contender(label, engine, why=str(error))
                for label, engine in (("LiteRT.js", "litert"), ("TensorFlow.js", "tfjs"))]
    x = {"x": steps.channels_last(arrays["x"])}
    feeds = folder.feeds(f"{name}-last", x)
    more = {"feeds": feeds, "layout": "last", "tolerance": max(row.tolerance, models.QUANTISED)
            if found[0].kind in steps.ROUNDED else row.tolerance}
    if lite.MISSING:
        small = contender("LiteRT.js", "litert", why=lite.MISSING)
    else:
        file = folder.file(f"{name}.tflite", lite.write(found, x["x"].shape))
        small = contender("LiteRT.js", "litert", file=file, **more)
    if found[0].kind in steps.ROUNDED:
        return [small, *by_row(found, name, folder, more), contender(
            "TensorFlow.js", "tfjs", why="it has no such weights")]
    return [small, contender("TensorFlow.js", "tfjs", steps=feeds_of_steps(found, name, folder),
                             **more)]


def of_operator(row, folder, others):
    content, arrays = row.make()
    file = folder.file(f"op-{row.name}.onnx", content)
    feeds = folder.feeds(f"op-{row.name}", arrays)
    found = [contender("ashore", "ashore", file=file, feeds=feeds),
             contender("onnxruntime", "ort", file=file, feeds=feeds)]
    found += others_of_operator(row, content, arrays, folder)
    if row.against:
        other = others[row.against]["contenders"][0]
        found.append({**other, "label": "ashore float32", "compare": False})
    return {"name": row.name, "title": row.title, "group": "operator", "model": row.name,
            "kind": "operator", "tolerance": row.tolerance, "slow": False, "contenders": found}


def selected(name, only):
    return not only or any(name.startswith(part) for part in only)


def graph_of_visits(folder):
    """The network of visits for TensorFlow.js, in a folder of its own."""
    extents = dict(zip([f"p2o.DynamicDimension.{i}" for i in range(3)], (1, 48, 192)))
    os.makedirs(os.path.join(folder.path, "ocr-cls-tf"), exist_ok=True)
    for name, content in graph_model.graph_model(models.row("ocr-cls").file, extents).items():
        folder.file(os.path.join("ocr-cls-tf", name), content)


def write_list(path, name, cases):
    with open(os.path.join(path, name), "w", encoding="utf-8") as f:
        json.dump({"cases": cases}, f, indent=1)


def prepare(path, only=(), quick=False):
    """The cases, whose names begin with one of `only`; `quick` leaves out what takes seconds a run.
    models.json lists those that are whole models."""
    folder = Folder(path)
    folder.file("ocr-cls.onnx", models.row("ocr-cls").file)  # of the cold page and visits, too
    graph_of_visits(folder)
    cases = [of_model(row, folder) for row in models.rows()
             if selected(row.name, only) and not (quick and row.slow)]
    made = {}
    for row in operators.rows():
        made[row.name] = of_operator(row, folder, made)
    cases += [case for name, case in made.items() if selected(name, only)]
    write_list(path, "cases.json", cases)
    write_list(path, "models.json", [case for case in cases if case["kind"] == "model"])
    return cases
