"""Random decision trees, as the operators of ai.onnx.ml write them, and rows to send down.

Thresholds and features lie on one small grid, so that rows meet thresholds exactly; infinities and
NaN are among both.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
MEMBER = 6
KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE,
         np.dtype(np.float16): TensorProto.FLOAT16, np.dtype(np.int32): TensorProto.INT32,
         np.dtype(np.int64): TensorProto.INT64}
GRID = np.array([-2, -1.5, -1, -0.5, -0.0, 0.0, 0.1, 0.5, 1, 1.5, 2, 3], np.float64)


def rng(*seed):
    return np.random.default_rng([17, *seed])


def model(node, dtype, outputs, opset, columns=None):
    """One node over rows `x` of `columns` features (None: any number)."""
    graph = helper.make_graph(
        [node], "trees", [helper.make_tensor_value_info("x", KINDS[np.dtype(dtype)],
                                                        ["N", columns])],
        [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in outputs])
    for o in graph.output:
        o.ClearField("type")
    return helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid(ML, opset)]).SerializeToString()


def rows(r, n, columns, dtype=np.float32, odd=True):
    """Rows of the grid; where the type has them, and if `odd`, with NaN and infinities."""
    x = r.choice(GRID, (n, columns))
    if np.dtype(dtype).kind == "f" and odd:
        strange = r.random(x.shape)
        x = np.where(strange < 0.1, np.nan, np.where(strange < 0.13, np.inf,
                                                     np.where(strange < 0.16, -np.inf, x)))
    return x.astype(dtype)


class Branch:
    def __init__(self, feature, mode, split, missing, yes, no, members=()):
        self.feature, self.mode, self.split, self.missing = feature, mode, split, missing
        self.yes, self.no, self.members = yes, no, members


class Leaf:
    def __init__(self, votes):
        self.votes = votes  # (target, weight)


def random_tree(r, depth, columns, modes, leaf, odd=True):
    """modes: numbers as TreeEnsemble has them; leaf(r): a Leaf."""
    if depth == 0 or r.random() < 0.15:
        return leaf(r)
    mode = int(r.choice(modes))
    split = float(r.choice(GRID))
    if odd and r.random() < 0.06:
        split = float(r.choice([np.nan, np.inf, -np.inf]))
    members = sorted(set(r.choice(GRID, r.integers(1, 6)).tolist())) if mode == MEMBER else ()
    below = (depth - 1, columns, modes, leaf, odd)
    return Branch(int(r.integers(columns)), mode, split, bool(r.random() < 0.4),
                  random_tree(r, *below), random_tree(r, *below), members)


def number_tree(r, tree):
    """[(node, id of the child that passes, of the other)], the root first, ids in random order."""
    nodes = []
    def visit(node):
        nodes.append(node)
        if isinstance(node, Branch):
            visit(node.yes)
            visit(node.no)
    visit(tree)
    ids = dict(zip(map(id, nodes), [0, *(1 + r.permutation(len(nodes) - 1))]))
    ordered = sorted(nodes, key=lambda n: ids[id(n)])
    return [(n, ids[id(n.yes)], ids[id(n.no)]) if isinstance(n, Branch) else (n, 0, 0)
            for n in ordered]


def old_node(r, op, forest, outputs, votes, wide=False, missing=True, **more):
    """TreeEnsembleRegressor or -Classifier; votes: "target" or "class"; wide: tensors of doubles."""
    a = {f"nodes_{k}": [] for k in ("treeids", "nodeids", "featureids", "modes", "truenodeids",
                                    "falsenodeids", "missing_value_tracks_true")}
    values, weights = [], []
    v = {f"{votes}_{k}": [] for k in ("ids", "treeids", "nodeids")}
    for t, tree in enumerate(forest):
        for i, (n, yes, no) in enumerate(number_tree(r, tree)):
            branch = isinstance(n, Branch)
            for key, value in (("treeids", t), ("nodeids", i), ("truenodeids", int(yes)),
                               ("falsenodeids", int(no)),
                               ("featureids", n.feature if branch else 0),
                               ("modes", MODES[n.mode] if branch else "LEAF"),
                               ("missing_value_tracks_true", int(branch and n.missing))):
                a[f"nodes_{key}"].append(value)
            values.append(n.split if branch else 0.0)
            for target, weight in () if branch else n.votes:
                for key, value in (("ids", target), ("treeids", t), ("nodeids", i)):
                    v[f"{votes}_{key}"].append(value)
                weights.append(weight)
    if not missing:
        del a["nodes_missing_value_tracks_true"]
    base = more.pop("base", None)
    for name, list_ in (("nodes_values", values), (f"{votes}_weights", weights),
                        ("base_values", base)):
        if list_ is None:
            continue
        if wide:
            a[name + "_as_tensor"] = numpy_helper.from_array(np.array(list_, np.float64))
        else:
            a[name] = [float(x) for x in list_]
    return helper.make_node(op, ["x"], outputs, name="the_trees", domain=ML, **a, **v, **more)


def new_node(forest, dtype, n_targets, **more):
    """TreeEnsemble."""
    branches, leaves, roots, members = [], [], [], []
    def visit(node):
        """(index, whether it is a leaf)."""
        if isinstance(node, Leaf):
            leaves.append(node.votes[0])
            return len(leaves) - 1, 1
        i = len(branches)
        branches.append([node])
        members.extend([*node.members, np.nan] if node.mode == MEMBER else [])
        branches[i] += [*visit(node.yes), *visit(node.no)]
        return i, 0
    for tree in forest:
        if isinstance(tree, Leaf):  # written as a branch whose children are one leaf
            leaf, _ = visit(tree)
            branches.append([Branch(0, 0, 0.0, False, None, None), leaf, 1, leaf, 1])
            roots.append(len(branches) - 1)
        else:
            roots.append(visit(tree)[0])
    t = lambda list_, kind: numpy_helper.from_array(np.array(list_, kind))
    if members:
        more["membership_values"] = t(members, dtype)
    return helper.make_node(
        "TreeEnsemble", ["x"], ["y"], name="the_trees", domain=ML, n_targets=n_targets,
        nodes_featureids=[b[0].feature for b in branches],
        nodes_modes=t([b[0].mode for b in branches], np.uint8),
        nodes_splits=t([b[0].split for b in branches], dtype),
        nodes_missing_value_tracks_true=[int(b[0].missing) for b in branches],
        nodes_truenodeids=[b[1] for b in branches], nodes_trueleafs=[b[2] for b in branches],
        nodes_falsenodeids=[b[3] for b in branches], nodes_falseleafs=[b[4] for b in branches],
        leaf_targetids=[target for target, _ in leaves],
        leaf_weights=t([weight for _, weight in leaves], dtype), tree_roots=roots, **more)


def reach(tree, row):
    """The leaf of one row, as ONNX's specification has it."""
    while isinstance(tree, Branch):
        x, s = row[tree.feature], tree.split
        tree = tree.yes if ((tree.missing and np.isnan(x)) or
                            [x <= s, x < s, x >= s, x > s, x == s, x != s,
                             x in tree.members][tree.mode]) else tree.no
    return tree
