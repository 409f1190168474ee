"""Real models with something wrong, or something else, in them: one structural change or two, chosen
by a seed.  Most are still models, some are not."""

import copy
import random

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper

NUMBERS = (-2, -1, 0, 1, 2, 3, 4, 7, 1 << 31, -(1 << 62))
SWAPS = [("Relu", "Sigmoid", "Tanh", "Neg", "Exp", "Abs", "Floor", "Softmax", "Shape", "Identity",
          "Not", "Flatten", "GlobalAveragePool", "Size", "NonZero"),
         ("Add", "Mul", "Sub", "Div", "Pow", "MatMul", "Concat", "Max", "Equal", "Less", "Gather",
          "Reshape", "Expand", "And", "PRelu")]


def tensors(graph):
    """Initialisers and tensors of Constant nodes, with their setters."""
    for initializer in graph.initializer:
        yield initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t


def graphs(graph):
    yield graph
    for node in graph.node:
        yield from graphs_of(node)


def graphs_of(node):
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from graphs(attribute.g)


def pick_node(rng, model):
    """A node of any graph of the model; graphs are weighed by their nodes."""
    places = [(graph, i) for graph in graphs(model.graph) for i in range(len(graph.node))]
    graph, i = rng.choice(places)
    return graph, i, graph.node[i]


def known_names(graph, before):
    """Names that a node may read at this place of its graph."""
    names = [v.name for v in graph.input] + [i.name for i in graph.initializer]
    return names + [o for node in graph.node[:before] for o in node.output if o]


# ---- the changes: each returns what it did, or None where there was nothing to change --------------


def change_attribute(rng, model):
    graph, i, node = pick_node(rng, model)
    found = [a for a in node.attribute if a.type in (AttributeProto.INT, AttributeProto.INTS,
                                                     AttributeProto.FLOAT, AttributeProto.STRING)]
    if not found:
        return None
    a = rng.choice(found)
    if a.type == AttributeProto.INT:
        a.i = rng.choice(NUMBERS)
    elif a.type == AttributeProto.FLOAT:
        a.f = rng.choice((-1.0, 0.0, 0.5, 3.0, float("inf"), float("nan")))
    elif a.type == AttributeProto.STRING:
        a.s = rng.choice((b"", b"SAME_UPPER", b"VALID", b"linear", b"constant", b"nonsense"))
    elif a.ints and rng.random() < 0.8:
        a.ints[rng.randrange(len(a.ints))] = rng.choice(NUMBERS)
    elif rng.random() < 0.5:
        a.ints.append(rng.choice(NUMBERS))
    elif a.ints:
        del a.ints[-1]
    return f"{node.op_type} {node.name}: {a.name} changed"


def drop_attribute(rng, model):
    _, _, node = pick_node(rng, model)
    if not node.attribute:
        return None
    k = rng.randrange(len(node.attribute))
    name = node.attribute[k].name
    del node.attribute[k]
    return f"{node.op_type} {node.name}: {name} dropped"


def rewire(rng, model):
    graph, i, node = pick_node(rng, model)
    names = known_names(graph, i)
    if not node.input or not names:
        return None
    k = rng.randrange(len(node.input))
    node.input[k] = rng.choice(names)
    return f"{node.op_type} {node.name}: input {k} is {node.input[k]}"


def drop_input(rng, model):
    _, _, node = pick_node(rng, model)
    if not node.input:
        return None
    k = rng.randrange(len(node.input))
    if k == len(node.input) - 1 and rng.random() < 0.5:
        del node.input[k]
    else:
        node.input[k] = ""
    return f"{node.op_type} {node.name}: input {k} left out"


def delete_node(rng, model):
    graph, i, node = pick_node(rng, model)
    text = f"{node.op_type} {node.name} deleted"
    del graph.node[i]
    return text


def swap_operator(rng, model):
    _, _, node = pick_node(rng, model)
    for family in SWAPS:
        if node.op_type in family:
            was = node.op_type
            node.op_type = rng.choice(family)
            return f"{was} {node.name} becomes {node.op_type}"
    return None


def reshape_tensor(rng, model):
    found = [t for graph in graphs(model.graph) for t in tensors(graph)]
    if not found:
        return None
    t = rng.choice(found)
    array = numpy_helper.to_array(t)
    name, dims = t.name, list(t.dims)
    kind = rng.randrange(4)
    if kind == 0:
        array = array.reshape(-1)
    elif kind == 1:
        array = array[..., None]
    elif kind == 2:
        array = np.ascontiguousarray(array.T)
    elif array.size:
        array = array.reshape(-1)[:max(1, array.size // 2)]
    t.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
    return f"tensor {name} {dims} becomes {list(t.dims)}"


def retype_tensor(rng, model):
    found = [t for graph in graphs(model.graph) for t in tensors(graph)]
    if not found:
        return None
    t = rng.choice(found)
    dtype = rng.choice((np.float32, np.int64, np.int32, np.float64, np.uint8, np.bool_))
    name = t.name
    with np.errstate(all="ignore"):
        t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(dtype), name))
    return f"tensor {name} becomes {dtype.__name__}"


def change_integer(rng, model):
    """An element of a small integer tensor: a shape, axes, an index, bounds."""
    found = [t for graph in graphs(model.graph) for t in tensors(graph)
             if t.data_type == TensorProto.INT64 and 0 < np.prod(t.dims, dtype=int) <= 16]
    if not found:
        return None
    t = rng.choice(found)
    array = numpy_helper.to_array(t).copy()
    array.reshape(-1)[rng.randrange(array.size)] = rng.choice(NUMBERS)
    name = t.name
    t.CopyFrom(numpy_helper.from_array(array, name))
    return f"tensor {name} becomes {array.tolist()}"


def insert_node(rng, model):
    graph, i, node = pick_node(rng, model)
    inputs = [k for k, name in enumerate(node.input) if name]
    if not inputs:
        return None
    k = rng.choice(inputs)
    made = rng.choice((
        helper.make_node("Transpose", [node.input[k]], ["mutant"]),
        helper.make_node("Cast", [node.input[k]], ["mutant"], to=rng.choice((1, 6, 7, 9, 10, 11))),
        helper.make_node("Identity", [node.input[k]], ["mutant"]),
        helper.make_node("Flatten", [node.input[k]], ["mutant"]),
        helper.make_node("Shape", [node.input[k]], ["mutant"]),
        helper.make_node("Concat", [node.input[k]] * 2, ["mutant"], axis=rng.choice((-1, 0, 1))),
    ))
    made.name = "the_mutant"
    node.input[k] = "mutant"
    graph.node.insert(i, made)
    return f"{made.op_type} before input {k} of {node.op_type} {node.name}"


def repeat_output(rng, model):
    graph, i, node = pick_node(rng, model)
    others = [o for other in graph.node[:i] for o in other.output if o]
    if not others or not node.output:
        return None
    node.output[0] = rng.choice(others)
    return f"{node.op_type} {node.name} writes {node.output[0]} again"


def move_node(rng, model):
    graph, i, _ = pick_node(rng, model)
    node = copy.deepcopy(graph.node[i])
    del graph.node[i]
    graph.node.insert(rng.randrange(len(graph.node) + 1), node)
    return f"{node.op_type} {node.name} moved"


CHANGES = (change_attribute, change_attribute, drop_attribute, rewire, rewire, drop_input,
           delete_node, swap_operator, swap_operator, reshape_tensor, retype_tensor, change_integer,
           change_integer, insert_node, repeat_output, move_node)


def mutate(base, seed):
    """(model, what was changed); the base stays as it is."""
    rng = random.Random(seed)
    model = copy.deepcopy(base)
    done = []
    while len(done) < (2 if rng.random() < 0.25 else 1):
        text = rng.choice(CHANGES)(rng, model)
        if text:
            done.append(text)
    return model, "; ".join(done)
