"""The architectures have the published parameters and multiply-adds, and shapes that onnx confirms."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import networkx as nx
import numpy as np
import pytest

from lessons.architectures import (
    densenet121,
    inception_block,
    lenet,
    mlp,
    resnet34,
    resnet50,
    transformer_encoder,
    vgg19,
)
from lessons.computational_graphs import multiply_adds, parameters, total
from lessons.execution import run
from lessons.model import ComputationalGraph
from lessons.onnx_files import to_onnx, with_random_weights
from lessons.topological_sort import list_schedule

Builder = Callable[[], ComputationalGraph]


def bert_layers() -> ComputationalGraph:
    return transformer_encoder(length=128)


# (builder, parameters, multiply-adds in billions): num_params and GFLOPS of torchvision's model pages, which give
# multiply-adds under that name, as *_Weights.IMAGENET1K_V1 at https://docs.pytorch.org/vision/stable/models.html
TORCHVISION = [
    (resnet34, 21_797_672, 3.664),
    (resnet50, 25_557_032, 4.089),
    (vgg19, 143_667_240, 19.632),
    (densenet121, 7_978_856, 2.834),
]
ALL = [
    lambda: mlp([64, 32, 10]),
    lenet,
    vgg19,
    resnet34,
    resnet50,
    densenet121,
    inception_block,
    bert_layers,
    lambda: transformer_encoder(2, 16, 4, 32, norm="pre", activation="Relu", length=6),
]
NAMES = [
    "mlp",
    "lenet",
    "vgg19",
    "resnet34",
    "resnet50",
    "densenet121",
    "inception",
    "encoder",
    "encoder, pre-norm",
]


def counted(model: ComputationalGraph, counts: list[int | None]) -> dict[str, int | None]:
    return {node.name: count for node, count in zip(model.nodes, counts, strict=True)}


# ---------------------------------------------------------------------------------------- published totals


@pytest.mark.parametrize(("build", "published", "billions"), TORCHVISION)
def test_totals_of_torchvision(build: Builder, published: int, billions: float):
    model = build()
    learnt, products = total(parameters(model)), total(multiply_adds(model))
    assert (learnt.value, learnt.left_out) == (published, 0)
    assert (round(products.value / 1e9, 3), products.left_out) == (billions, 0)


def test_lenet_leads_to_the_papers_60000_parameters_and_its_connections():
    """LeCun, Bottou, Bengio, Haffner 1998, section II.B: 340,908 connections, 60,000 trainable free parameters."""
    model = lenet()
    learnt, products = counted(model, parameters(model)), counted(model, multiply_adds(model))
    ours = total(parameters(model)).value
    assert ours == 61_706
    assert [learnt[name] for name in ("C1", "C3", "C5", "F6")] == [156, 2_416, 48_120, 10_164]
    left_out_of_c3 = (6 * 16 - 60) * 5 * 5  # table I: 60 of the 96 pairs of maps are connected
    averages = 2 * 6 + 2 * 16  # a coefficient and a bias for each map of S2 and S4
    assert (left_out_of_c3, learnt["output"], averages) == (900, 850, 44)
    assert ours - left_out_of_c3 - 850 + averages == 60_000
    # the paper's connections count a bias at each position as one more
    assert products["C1"] + 28 * 28 * 6 == 122_304
    assert products["C3"] - 10 * 10 * left_out_of_c3 + 10 * 10 * 16 == 151_600
    assert products["C5"] + 120 == 48_120


def test_inception_3a_has_the_papers_weights_and_operations():
    """Szegedy et al. 2015, table 1, row "inception (3a)": 159K (of 1,024) weights, 128M operations."""
    model = inception_block()
    biases = 64 + 96 + 128 + 16 + 32 + 32
    assert (total(parameters(model)).value - biases) // 1024 == 159
    assert total(multiply_adds(model)).value // 10**6 == 128


def test_twelve_layers_of_bert_base():
    """BERT-base, uncased, has 109,482,240 parameters; the embeddings and the pooler are not among its layers."""
    layers = total(parameters(bert_layers())).value
    embeddings = (30_522 + 512 + 2) * 768 + 2 * 768  # words, positions, segments, and a LayerNormalization
    pooler = 768 * 768 + 768
    assert layers == 85_054_464
    assert layers + embeddings + pooler == 109_482_240


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_transformer_counts_as_its_formula_does(norm):
    d, h, n, batch, layers = 24, 56, 10, 3, 2
    model = transformer_encoder(layers, d, 4, h, length=n, batch=batch, norm=norm)
    attention = 4 * n * d * d + 2 * n * n * d  # four projections; scores and means over all heads
    assert total(multiply_adds(model)).value == batch * layers * (attention + 2 * n * d * h)
    final = 2 * d if norm == "pre" else 0
    assert total(parameters(model)).value == layers * (4 * d * d + 4 * d + 2 * d * h + h + d + 4 * d) + final


def test_an_mlp_counts_as_its_formula_does():
    model = mlp([7, 5, 4, 3], batch=2)
    assert parameters(model) == [7 * 5 + 5, 0, 5 * 4 + 4, 0, 4 * 3 + 3]
    assert multiply_adds(model) == [2 * 35, 0, 2 * 20, 0, 2 * 12]


# ---------------------------------------------------------------------------------------- structure


@pytest.mark.parametrize(
    ("build", "layers"), [(vgg19, 19), (resnet34, 34), (resnet50, 50), (densenet121, 121), (lenet, 5)]
)
def test_the_numeral_in_a_name_is_its_layers_with_weights(build: Builder, layers: int):
    """On a longest path, where the convolutions of ResNet's shortcuts lie beside others."""
    model = build()
    weighty = {node.name: int(node.op in ("Conv", "Gemm")) for node in model.nodes}
    graph = nx.DiGraph(model.to_graph().edges())
    nx.set_edge_attributes(graph, {(u, v): weighty[v] for u, v in graph.edges}, "layers")
    assert nx.dag_longest_path_length(graph, "layers") + weighty[model.nodes[0].name] == layers


@pytest.mark.parametrize("build", ALL, ids=NAMES)
def test_each_is_valid_and_allocates_nothing(build: Builder):
    model = build()
    assert model.problems() == []
    kept = {name for name, weight in model.weights.items() if weight.make is not None}
    assert kept <= {"split", "join", "scale"}
    read = {tensor for node in model.nodes for tensor in node.inputs}
    assert set(model.weights) | set(model.inputs) <= read
    assert model.pruned() == model


@pytest.mark.parametrize("build", [mlp, lenet, vgg19, resnet34, resnet50, densenet121, inception_block])
def test_an_open_batch_is_bound_later(build):
    arguments = ([64, 32, 10],) if build is mlp else ()
    model = build(*arguments, batch="images")
    assert model.problems() == []
    assert {model.tensors[tensor].shape[0] for node in model.nodes for tensor in node.outputs} == {"images"}
    assert model.bind({"images": 3}).tensors == build(*arguments, batch=3).tensors
    assert None in multiply_adds(model)


def test_an_encoder_of_open_length_is_bound_later():
    model = transformer_encoder(2, 16, 4, 32, batch="texts")
    assert model.tensors["layer2.attention.scores"].shape == ("texts", 4, "length", "length")
    assert model.tensors[model.outputs[0]].shape == ("texts", "length", 16)
    bound = model.bind({"texts": 2, "length": 5})
    assert bound.tensors == transformer_encoder(2, 16, 4, 32, batch=2, length=5).tensors


def test_lengths_along_the_stages():
    tensors = resnet50().tensors
    assert [tensors[f"stage{k}.block1.relu"].shape for k in (1, 2, 3, 4)] == [
        (1, 256, 56, 56),
        (1, 512, 28, 28),
        (1, 1024, 14, 14),
        (1, 2048, 7, 7),
    ]
    tensors = densenet121().tensors
    channels = [tensors[f"block{k}.concat"].shape[1] for k in (1, 2, 3, 4)]
    assert channels == [256, 512, 1024, 1024]
    assert inception_block().tensors["concat"].shape == (1, 256, 28, 28)


def test_a_resnet_strides_where_torchvision_does():
    strides = {node.name: node.attributes["strides"] for node in resnet50().nodes if node.op == "Conv"}
    assert {name for name, stride in strides.items() if stride == (2, 2)} == {"stem.conv"} | {
        f"stage{k}.block1.{conv}" for k in (2, 3, 4) for conv in ("conv2", "shortcut.conv")
    }


@pytest.mark.parametrize("factor", [1 / 8, 0.3, 1 / 1000])
def test_a_narrow_vgg_is_scaled_in_every_layer(factor):
    narrow, full = vgg19(width=factor), vgg19()
    assert [node.name for node in narrow.nodes] == [node.name for node in full.nodes]
    for name, weight in full.weights.items():
        after = weight.tensor.shape[0]
        expected = 1000 if name.startswith("classifier3") else max(round(after * factor), 1)
        assert narrow.weights[name].tensor.shape[0] == expected
    assert narrow.problems() == []


@pytest.mark.parametrize("classes", [10, 1000])
def test_classes(classes):
    for build in (vgg19, resnet34, resnet50, densenet121):
        model = build(classes=classes)
        assert model.tensors[model.outputs[0]].shape == (1, classes)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: mlp([3]), r"widths \[3\]: give at least"),
        (lambda: vgg19(width=0), "width=0: give a factor above 0"),
        (lambda: transformer_encoder(1, 10, 3), "width=10 cannot be divided into heads=3"),
        (lambda: transformer_encoder(norm="Pre"), "norm='Pre'"),
    ],
)
def test_what_cannot_be_built(wrong, said):
    with pytest.raises(ValueError, match=said):
        wrong()


# ---------------------------------------------------------------------------------------- other judges


def with_weights_as_inputs(model: ComputationalGraph) -> ComputationalGraph:
    """So that it can be written without allocating its weights."""
    twin = ComputationalGraph(model.name)
    for name, tensor in model.inputs.items():
        twin.input(name, tensor.shape, tensor.dtype)
    for name, weight in model.weights.items():
        if weight.make is None:
            twin.input(name, weight.tensor.shape, weight.tensor.dtype)
        else:
            twin.put(name, weight)
    for node in model.nodes:
        twin.add(node.op, *node.inputs, name=node.name, outputs=node.outputs, **node.attributes)
    twin.output(*model.outputs)
    return twin


@pytest.mark.parametrize("build", ALL, ids=NAMES)
def test_onnx_finds_the_same_shapes(build: Builder):
    onnx = pytest.importorskip("onnx")
    model = build()
    proto = to_onnx(with_weights_as_inputs(model))
    onnx.checker.check_model(proto, full_check=True)
    del proto.graph.value_info[:]
    told = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True).graph
    found = {
        info.name: tuple(n.dim_value for n in info.type.tensor_type.shape.dim)
        for info in (*told.value_info, *told.output)
    }
    assert found == {t: model.tensors[t].shape for node in model.nodes for t in node.outputs}
    assert all(prod(shape) > 0 for shape in found.values())


def encoded(x: np.ndarray, weights: dict[str, np.ndarray], norm: str, heads: int) -> np.ndarray:
    """One layer of an encoder with ReLU in plain NumPy: x (length, width) -> (length, width)."""

    def project(part: str, rows: np.ndarray) -> np.ndarray:
        return rows @ weights[f"layer1.{part}.weight"] + weights[f"layer1.{part}.bias"]

    def normed(part: str, rows: np.ndarray) -> np.ndarray:
        centred = rows - rows.mean(axis=1, keepdims=True)
        centred /= np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        return centred * weights[f"{part}.norm.scale"] + weights[f"{part}.norm.bias"]

    def attend(rows: np.ndarray) -> np.ndarray:
        size = rows.shape[1] // heads
        query, key, value = (project(f"attention.{part}", rows) for part in ("query", "key", "value"))
        found = np.zeros_like(rows)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = np.exp(query[:, part] @ key[:, part].T / np.sqrt(size))
            found[:, part] = scores / scores.sum(axis=1, keepdims=True) @ value[:, part]
        return project("attention.output", found)

    def feed(rows: np.ndarray) -> np.ndarray:
        return project("feedforward.contract", np.maximum(project("feedforward.expand", rows), 0))

    for part, of in (("layer1.attention", attend), ("layer1.feedforward", feed)):
        x = x + of(normed(part, x)) if norm == "pre" else normed(part, x + of(x))
    return normed("final", x) if norm == "pre" else x


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_an_encoder_computes_attention(norm):
    model = with_random_weights(transformer_encoder(1, 12, 3, 20, norm=norm, activation="Relu", length=5), seed=3)
    x = np.random.default_rng(0).standard_normal((1, 5, 12)).astype(np.float32)
    weights = {name: weight.array().astype(np.float64) for name, weight in model.weights.items()}
    (found,) = run(model, {"x": x}).values()
    np.testing.assert_allclose(found[0], encoded(x[0].astype(np.float64), weights, norm, 3), atol=1e-5)


def test_a_residual_block_adds_its_input():
    model = with_random_weights(resnet34(), seed=1)
    block = model.subgraph(["stage1.block1.relu"], ["stage1.block2.relu", "stage1.block2.bn2"])
    x = np.random.default_rng(0).standard_normal((1, 64, 56, 56)).astype(np.float32)
    found = run(block, {"stage1.block1.relu": x})
    np.testing.assert_array_equal(found["stage1.block2.relu"], np.maximum(found["stage1.block2.bn2"] + x, 0))


def test_vgg19_is_scheduled_in_a_row_whatever_the_workers():
    model = vgg19()
    work = multiply_adds(model)
    schedule = list_schedule(model, workers=4, durations=work)
    assert schedule.order == [node.name for node in model.nodes]
    assert schedule.makespan == schedule.lower_bound == total(work).value
