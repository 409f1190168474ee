"""Trees and label encoders of ai.onnx.ml that lie: refused when they are loaded, with the node and the
attribute."""

import numpy as np
import pytest
from onnx import helper, numpy_helper

INPUT, LIMIT = 3, 4
TREE = dict(n_targets=1, nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2],
            nodes_featureids=[0, 0, 0], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
            nodes_values=[0.5, 0.0, 0.0], nodes_truenodeids=[1, 0, 0],
            nodes_falsenodeids=[2, 0, 0], target_ids=[0, 0], target_nodeids=[1, 2],
            target_treeids=[0, 0], target_weights=[1.0, 2.0])
SPLIT = dict(n_targets=1, nodes_featureids=[0, 1], nodes_truenodeids=[1, 0], nodes_trueleafs=[0, 1],
             nodes_falsenodeids=[0, 1], nodes_falseleafs=[1, 1], leaf_targetids=[0, 0],
             tree_roots=[0])
TENSORS = dict(nodes_modes=np.array([0, 0], np.uint8), nodes_splits=np.zeros(2, np.float32),
               leaf_weights=np.ones(2, np.float32))
CHAIN = 100000  # as deep as this, walks must not recurse


def model(op, opset, outputs=("y",), columns=2, **attributes):
    attributes = {k: v for k, v in attributes.items() if v is not None}
    node = helper.make_node(op, ["x"], list(outputs), name="the_trees", domain="ai.onnx.ml",
                            **attributes)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", 1, [3, columns])],
                              [helper.make_tensor_value_info(o, 1, None) for o in outputs])
    for o in graph.output:
        o.ClearField("type")
    return helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", opset)])


def old(**changes):
    return model("TreeEnsembleRegressor", 3, **{**TREE, **changes})


def classifier(**changes):
    given = {k.replace("target_", "class_"): v for k, v in TREE.items() if k != "n_targets"}
    return model("TreeEnsembleClassifier", 3, ("l", "y"),
                 **{**given, "classlabels_int64s": [0, 1], **changes})


def new(**changes):
    given = {**SPLIT, **TENSORS, **changes}
    return model("TreeEnsemble", 5, **{k: numpy_helper.from_array(v) if isinstance(v, np.ndarray)
                                       else v for k, v in given.items()})


def encoder(**attributes):
    return model("LabelEncoder", 4, **attributes)


def deep_chain():
    """A tree that is nothing but a chain: fine."""
    n = CHAIN
    return new(nodes_featureids=[0] * n, nodes_truenodeids=[*range(1, n), 0],
               nodes_trueleafs=[0] * (n - 1) + [1], nodes_falsenodeids=[1] * n,
               nodes_falseleafs=[1] * n, nodes_modes=np.zeros(n, np.uint8),
               nodes_splits=np.full(n, 9, np.float32))


def shared_children():
    """Each branch leads to the next by both sides: 2^60 ways down, fine as well."""
    n = 60
    return new(nodes_featureids=[0] * n, nodes_truenodeids=[*range(1, n), 0],
               nodes_trueleafs=[0] * (n - 1) + [1], nodes_falsenodeids=[*range(1, n), 1],
               nodes_falseleafs=[0] * (n - 1) + [1], nodes_modes=np.zeros(n, np.uint8),
               nodes_splits=np.zeros(n, np.float32))


CASES = {
    "old_fine": (old(), 0, ()),
    "classifier_fine": (classifier(), 0, ()),
    "new_fine": (new(), 0, ()),
    "new_deep": (deep_chain(), 0, ()),
    "new_shared": (shared_children(), 0, ()),
    "old_cycle": (old(nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], nodes_truenodeids=[1, 0, 0],
                      nodes_falsenodeids=[2, 2, 0]), INPUT, ("circle", "nodes_truenodeids")),
    "old_itself": (old(nodes_falsenodeids=[0, 0, 0]), INPUT, ("circle", "nodes_falsenodeids")),
    "old_child_missing": (old(nodes_truenodeids=[9, 0, 0]), INPUT, ("nodes_truenodeids", "node 9")),
    "old_child_negative": (old(nodes_falsenodeids=[-1, 0, 0]), INPUT, "nodes_falsenodeids"),
    "old_child_of_other": (old(nodes_treeids=[0, 0, 1]), INPUT, "nodes_falsenodeids"),
    "old_node_twice": (old(nodes_nodeids=[0, 1, 1]), INPUT, ("nodes_nodeids", "twice")),
    "old_tree_again": (old(nodes_treeids=[0, 1, 0]), INPUT, ("nodes_treeids", "again")),
    "old_short": (old(nodes_values=[0.5]), INPUT, ("nodes_values", "expected 3")),
    "old_short_features": (old(nodes_featureids=[0, 0]), INPUT, ("nodes_featureids", "expected 3")),
    "old_short_modes": (old(nodes_modes=["LEAF"]), INPUT, ("nodes_modes", "expected 3")),
    "old_short_missing": (old(nodes_missing_value_tracks_true=[1]), INPUT,
                          "nodes_missing_value_tracks_true"),
    "old_both_values": (old(nodes_values_as_tensor=numpy_helper.from_array(np.zeros(3))), INPUT,
                        "nodes_values_as_tensor"),
    "old_no_nodes": (old(nodes_treeids=None), INPUT, "nodes_treeids"),
    "old_no_targets": (old(n_targets=None), INPUT, "n_targets"),
    "old_targets_negative": (old(n_targets=-1), INPUT, "n_targets"),
    "old_targets_huge": (old(n_targets=2**40), INPUT, "n_targets"),
    "old_mode": (old(nodes_modes=["BRANCH_UP", "LEAF", "LEAF"]), INPUT, ("nodes_modes", "BRANCH_UP")),
    "old_feature_negative": (old(nodes_featureids=[-1, 0, 0]), INPUT, "nodes_featureids"),
    "old_feature_huge": (old(nodes_featureids=[2**40, 0, 0]), INPUT, "nodes_featureids"),
    "old_feature_beyond": (old(nodes_featureids=[2, 0, 0]), INPUT, ("nodes_featureids", "feature 2")),
    "old_weights_short": (old(target_weights=[1.0]), INPUT, "target_weights"),
    "old_vote_nowhere": (old(target_nodeids=[1, 7]), INPUT, ("target_nodeids", "node 7")),
    "old_vote_beyond": (old(target_ids=[0, 1]), INPUT, ("target_ids", "holds 1")),
    "old_vote_negative": (old(target_ids=[0, -1]), INPUT, ("target_ids", "holds -1")),
    "old_base": (old(base_values=[1.0, 2.0]), INPUT, "base_values"),
    "old_post": (old(post_transform="UP"), INPUT, "post_transform"),
    "old_aggregate": (old(aggregate_function="MEDIAN"), INPUT, "aggregate_function"),
    "old_text_tensor": (old(nodes_values=None, nodes_values_as_tensor=helper.make_tensor(
        "", 8, [3], [b"a", b"b", b"c"])), INPUT, "nodes_values_as_tensor"),
    "classifier_no_labels": (classifier(classlabels_int64s=None), INPUT, "classlabels_int64s"),
    "classifier_vote_beyond": (classifier(class_ids=[0, 2]), INPUT, ("class_ids", "holds 2")),
    "new_cycle": (new(nodes_truenodeids=[1, 0], nodes_trueleafs=[0, 0]), INPUT, "circle"),
    "new_branch_beyond": (new(nodes_truenodeids=[2, 0]), INPUT, "nodes_truenodeids"),
    "new_leaf_beyond": (new(nodes_falsenodeids=[0, 2]), INPUT, ("nodes_falsenodeids", "leaves")),
    "new_root_beyond": (new(tree_roots=[2]), INPUT, "tree_roots"),
    "new_root_negative": (new(tree_roots=[-1]), INPUT, "tree_roots"),
    "new_no_roots": (new(tree_roots=None), INPUT, "tree_roots"),
    "new_mode": (new(nodes_modes=np.array([0, 7], np.uint8)), INPUT, "nodes_modes"),
    "new_mode_wraps": (new(nodes_modes=np.array([0, 2**32], np.int64)), INPUT, "nodes_modes"),
    "new_mode_float": (new(nodes_modes=np.array([0, np.nan], np.float32)), INPUT, "nodes_modes"),
    "new_short_splits": (new(nodes_splits=np.zeros(1, np.float32)), INPUT, "nodes_splits"),
    "new_short_leaves": (new(leaf_weights=np.zeros(1, np.float32)), INPUT, "leaf_weights"),
    "new_no_sets": (new(nodes_modes=np.array([0, 6], np.uint8)), INPUT, "membership_values"),
    "new_few_sets": (new(nodes_modes=np.array([6, 6], np.uint8),
                         membership_values=np.array([1, np.nan], np.float32)), INPUT,
                     "membership_values"),
    "new_more_sets": (new(membership_values=np.array([1, np.nan], np.float32)), INPUT,
                      "membership_values"),
    "new_post": (new(post_transform=9), INPUT, "post_transform"),
    "new_aggregate": (new(aggregate_function=-1), INPUT, "aggregate_function"),
    "encoder_uneven": (encoder(keys_floats=[1.0, 2.0], values_int64s=[1]), INPUT, "keys_*"),
    "encoder_two_keys": (encoder(keys_floats=[1.0], keys_int64s=[1], values_int64s=[1]), INPUT,
                         "keys_int64s"),
    "encoder_no_values": (encoder(keys_floats=[1.0]), INPUT, "values_int64s"),
    "encoder_other_keys": (encoder(keys_int64s=[1], values_int64s=[1]), INPUT, "int64"),
    "encoder_default": (encoder(keys_floats=[1.0], values_int64s=[1],
                                default_tensor=numpy_helper.from_array(np.zeros(2))), INPUT,
                        "default_tensor"),
}


@pytest.mark.parametrize("name", CASES)
def test_trees(ashore, name):
    proto, code, says = CASES[name]
    path = ashore.write("hostile.onnx", proto.SerializeToString())
    if code == 0:
        done = ashore("bench", path, "--runs", "1")
        assert done.returncode == 0, done.stderr
    else:
        ashore.refuses(code, says, "run", path)


def test_many_targets(ashore):
    """More scores than there is memory for, of a file of no size."""
    path = ashore.write("hostile.onnx", old(n_targets=2**31 - 1).SerializeToString())
    ashore.refuses(LIMIT, "memory", "bench", path, "--runs", "1", "--threads", "1")
