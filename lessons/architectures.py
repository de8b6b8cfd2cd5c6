"""Networks that were published, as computational graphs: what they compute and in which shapes.

    model = resnet50()                              # batch of 1; resnet50(batch="batch") leaves it open
    model = with_random_weights(model, seed=7)      # to compute with it

Weights have shapes only, so nothing is allocated. The graphs are those of inference, without dropout, which then
does nothing; a BatchNormalization is a node of its own. Node names say where a node stands: stage2.block1.conv2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np

from lessons.model import ComputationalGraph, Weight
from lessons.operators import Dim, Tensor


def mlp(widths: Sequence[int], *, activation: str = "Relu", batch: Dim = 1) -> ComputationalGraph:
    """A multilayer perceptron from `widths[0]` features to `widths[-1]` classes; no activation after the last.

    Layer k has a weight (widths[k], widths[k - 1]), row = receiver. `activation` is an ONNX operator of one input.
    Raises ValueError for fewer than two widths.

    >>> mlp([64, 32, 10])
    ComputationalGraph('mlp', nodes=3, inputs=1, outputs=1, weights=4)

    Notebook: 01_computational_graphs.
    """
    if len(widths) < 2:
        raise ValueError(f"widths {list(widths)}: give at least those of the input and of the output")
    model = ComputationalGraph("mlp")
    x = model.input("x", (batch, widths[0]))
    for k in range(1, len(widths)):
        x = _dense(model, f"layer{k}", x, widths[k - 1], widths[k])
        if k < len(widths) - 1:
            x = model.add(activation, x, name=f"layer{k}.{activation.lower()}")
    model.output(x)
    return model


def lenet(*, batch: Dim = 1) -> ComputationalGraph:
    """LeNet-5 as it is mostly built today, on images (1, 32, 32), with the paper's names of its layers.

    It has 61,706 parameters. The paper's has 60,000: C3 reads only 60 of the 96 pairs of maps, the averages of S2
    and S4 have a factor and a bias for each map, and the distances in its output layer have nothing to learn.

    >>> [node.op for node in lenet().nodes][:3]
    ['Conv', 'Tanh', 'AveragePool']

    Notebook: 01_computational_graphs. Reference: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based
    learning applied to document recognition, Proc. IEEE 86 (11), 1998, section II.B, doi:10.1109/5.726791.
    """
    model = ComputationalGraph("LeNet-5")
    x = model.input("image", (batch, 1, 32, 32))
    for name, before, after in (("C1", 1, 6), ("C3", 6, 16), ("C5", 16, 120)):
        x = model.add("Tanh", _conv(model, name, x, before, after, 5, bias=True), name=f"{name}.tanh")
        if name != "C5":
            pool = f"S{int(name[1]) + 1}"
            x = model.add("AveragePool", x, name=pool, kernel_shape=[2, 2], strides=[2, 2])
    x = model.add("Flatten", x, name="flatten")
    x = model.add("Tanh", _dense(model, "F6", x, 120, 84), name="F6.tanh")
    model.output(_dense(model, "output", x, 84, 10))
    return model


def vgg19(*, batch: Dim = 1, width: float = 1.0, classes: int = 1000) -> ComputationalGraph:
    """VGG-19 (configuration E) on images (3, 224, 224); `width` scales the channels and neurons of each layer.

    Raises ValueError for a width that is not above 0.

    >>> [vgg19(width=w).weights["classifier1.weight"].tensor.shape for w in (1, 1 / 8)]
    [(4096, 25088), (512, 3136)]

    Notebook: 01_computational_graphs. Reference: K. Simonyan, A. Zisserman, Very deep convolutional networks for
    large-scale image recognition, ICLR 2015, arXiv:1409.1556, table 1.
    """
    if not width > 0:
        raise ValueError(f"width={width}: give a factor above 0; 1 is the published network")
    model = ComputationalGraph("VGG-19")
    x, before = model.input("image", (batch, 3, 224, 224)), 3
    for stage, (full, depth) in enumerate(((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)), 1):
        after = max(round(full * width), 1)
        for k in range(1, depth + 1):
            name = f"stage{stage}.conv{k}"
            x = _relu(model, name, _conv(model, name, x, before, after, 3, padding=1, bias=True))
            before = after
        x = model.add("MaxPool", x, name=f"stage{stage}.pool", kernel_shape=[2, 2], strides=[2, 2])
    x = model.add("Flatten", x, name="flatten")
    hidden = max(round(4096 * width), 1)
    for k, features in enumerate((before * 7 * 7, hidden), 1):
        x = _relu(model, f"classifier{k}", _dense(model, f"classifier{k}", x, features, hidden))
    model.output(_dense(model, "classifier3", x, hidden, classes))
    return model


def resnet34(*, batch: Dim = 1, classes: int = 1000) -> ComputationalGraph:
    """ResNet-34 on images (3, 224, 224): blocks of two convolutions with a shortcut around them.

    >>> resnet34().node("stage2.block1.add").inputs
    ('stage2.block1.bn2', 'stage2.block1.shortcut.bn')

    Notebook: 01_computational_graphs. Reference: K. He, X. Zhang, S. Ren, J. Sun, Deep residual learning for image
    recognition, CVPR 2016, arXiv:1512.03385, table 1.
    """
    return _resnet("ResNet-34", (3, 4, 6, 3), False, batch, classes)


def resnet50(*, batch: Dim = 1, classes: int = 1000) -> ComputationalGraph:
    """ResNet-50 on images (3, 224, 224): blocks of three convolutions with a shortcut around them.

    Where a block halves the lengths, its middle convolution has the stride, as in torchvision; in the paper it is
    the first one, which has as many parameters and takes fewer multiply-adds.

    >>> resnet50()
    ComputationalGraph('ResNet-50', nodes=175, inputs=1, outputs=1, weights=267)

    Notebook: 01_computational_graphs. Reference: as `resnet34`.
    """
    return _resnet("ResNet-50", (3, 4, 6, 3), True, batch, classes)


def densenet121(*, batch: Dim = 1, classes: int = 1000) -> ComputationalGraph:
    """DenseNet-121 on images (3, 224, 224): each layer of a block reads the Concat of all before it.

    >>> densenet121().node("block1.layer3.concat").inputs
    ('stem.pool', 'block1.layer1.conv2', 'block1.layer2.conv2')

    Notebook: 01_computational_graphs. Reference: G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, Densely
    connected convolutional networks, CVPR 2017, arXiv:1608.06993, table 1.
    """
    model = ComputationalGraph("DenseNet-121")
    x, channels = _stem(model, batch), 64
    for block, layers in enumerate((6, 12, 24, 16), 1):
        x = _dense_block(model, f"block{block}", x, channels, layers)
        channels += 32 * layers
        if block < 4:
            name = f"transition{block}"
            x = _conv(model, f"{name}.conv", _bn_relu(model, name, x, channels), channels, channels // 2, 1)
            x = model.add("AveragePool", x, name=f"{name}.pool", kernel_shape=[2, 2], strides=[2, 2])
            channels //= 2
    _classify(model, _bn_relu(model, "head", x, channels), channels, classes)
    return model


def inception_block(*, batch: Dim = 1) -> ComputationalGraph:
    """Block 3a of GoogLeNet: four branches side by side on (192, 28, 28), joined to 256 channels.

    >>> inception_block().node("concat").inputs
    ('1x1.relu', '3x3.relu', '5x5.relu', 'pool.project.relu')

    Notebook: 01_computational_graphs. Reference: C. Szegedy et al., Going deeper with convolutions, CVPR 2015,
    arXiv:1409.4842, table 1.
    """
    model = ComputationalGraph("Inception 3a")
    x = model.input("x", (batch, 192, 28, 28))

    def conv(name: str, read: str, before: int, after: int, kernel: int = 1) -> str:
        made = _conv(model, name, read, before, after, kernel, padding=kernel // 2, bias=True)
        return _relu(model, name, made)

    small = conv("1x1", x, 192, 64)
    middle = conv("3x3", conv("3x3.reduce", x, 192, 96), 96, 128, 3)
    large = conv("5x5", conv("5x5.reduce", x, 192, 16), 16, 32, 5)
    pooled = model.add("MaxPool", x, name="pool", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    branches = small, middle, large, conv("pool.project", pooled, 192, 32)
    model.output(model.add("Concat", *branches, name="concat", axis=1))
    return model


def transformer_encoder(
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    hidden: int = 3072,
    *,
    norm: Literal["post", "pre"] = "post",
    activation: Literal["Gelu", "Relu"] = "Gelu",
    length: Dim = "length",
    batch: Dim = 1,
) -> ComputationalGraph:
    """The layers of a Transformer encoder on vectors (length, width), by default BERT-base's twelve.

    Each is self-attention in `heads` parts and two products with `hidden` neurons between, with a shortcut around
    both. `norm` tells whether a LayerNormalization stands behind each shortcut ("post", as published) or before
    what it leads around ("pre", with one more at the end). There is no embedding, mask or pooler.

    Raises ValueError where heads do not divide width, or for another norm.

    >>> transformer_encoder(1, length=128).tensors["layer1.attention.scores"].shape
    (1, 12, 128, 128)

    Notebook: 01_computational_graphs. References: A. Vaswani et al., Attention is all you need, 2017,
    arXiv:1706.03762, section 3; J. Devlin et al., BERT, 2019, arXiv:1810.04805; "pre": R. Xiong et al., On layer
    normalization in the Transformer architecture, 2020, arXiv:2002.04745.
    """
    if heads < 1 or width % heads:
        raise ValueError(f"width={width} cannot be divided into heads={heads}: give a divisor")
    if norm not in ("post", "pre"):
        raise ValueError(f"norm={norm!r}: it stands 'post', behind a shortcut, or 'pre', before it begins")
    model = ComputationalGraph("Transformer encoder")
    x = model.input("x", (batch, length, width))
    model.weight("split", np.array([0, 0, heads, width // heads]))
    model.weight("join", np.array([0, 0, width]))
    scale = np.float32((width // heads) ** -0.5)
    model.put("scale", Weight(Tensor((), "float32"), lambda: np.asarray(scale), "constant"))
    attend = partial(_attention, model, width=width)
    feed = partial(_feed_forward, model, width=width, hidden=hidden, activation=activation)
    for k in range(1, layers + 1):
        for name, part in ((f"layer{k}.attention", attend), (f"layer{k}.feedforward", feed)):
            read = _layer_norm(model, name, x, width) if norm == "pre" else x
            x = model.add("Add", x, part(name, read), name=f"{name}.shortcut")
            x = _layer_norm(model, name, x, width) if norm == "post" else x
    model.output(_layer_norm(model, "final", x, width) if norm == "pre" else x)
    return model


# ---------------------------------------------------------------------------------------- layers


def _dense(model: ComputationalGraph, name: str, x: str, before: int, after: int) -> str:
    weight = model.weight(f"{name}.weight", shape=(after, before))
    return model.add("Gemm", x, weight, model.weight(f"{name}.bias", shape=(after,)), name=name, transB=1)


def _conv(
    model: ComputationalGraph,
    name: str,
    x: str,
    before: int,
    after: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    bias: bool = False,
) -> str:
    weights = [model.weight(f"{name}.weight", shape=(after, before, kernel, kernel))]
    if bias:
        weights.append(model.weight(f"{name}.bias", shape=(after,)))
    strides, pads = [stride] * 2, [padding] * 4
    return model.add("Conv", x, *weights, name=name, kernel_shape=[kernel] * 2, strides=strides, pads=pads)


def _relu(model: ComputationalGraph, name: str, x: str) -> str:
    return model.add("Relu", x, name=f"{name}.relu")


def _batch_norm(model: ComputationalGraph, name: str, x: str, channels: int) -> str:
    told = [model.weight(f"{name}.{part}", shape=(channels,)) for part in ("scale", "bias", "mean", "variance")]
    return model.add("BatchNormalization", x, *told, name=name)


def _layer_norm(model: ComputationalGraph, name: str, x: str, width: int) -> str:
    told = [model.weight(f"{name}.norm.{part}", shape=(width,)) for part in ("scale", "bias")]
    return model.add("LayerNormalization", x, *told, name=f"{name}.norm")


def _stem(model: ComputationalGraph, batch: Dim) -> str:
    """The first layers of ResNet and DenseNet: (3, 224, 224) to (64, 56, 56)."""
    x = model.input("image", (batch, 3, 224, 224))
    x = _conv(model, "stem.conv", x, 3, 64, 7, stride=2, padding=3)
    x = _relu(model, "stem", _batch_norm(model, "stem.bn", x, 64))
    return model.add("MaxPool", x, name="stem.pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def _classify(model: ComputationalGraph, x: str, channels: int, classes: int) -> None:
    x = model.add("GlobalAveragePool", x, name="head.pool")
    x = model.add("Flatten", x, name="head.flatten")
    model.output(_dense(model, "classifier", x, channels, classes))


# ---------------------------------------------------------------------------------------- ResNet


def _resnet(name: str, depths: Sequence[int], bottleneck: bool, batch: Dim, classes: int) -> ComputationalGraph:
    model = ComputationalGraph(name)
    x, before = _stem(model, batch), 64
    for stage, depth in enumerate(depths, 1):
        inner = 64 * 2 ** (stage - 1)
        after = 4 * inner if bottleneck else inner
        for block in range(1, depth + 1):
            stride = 2 if block == 1 < stage else 1
            convs = [(before, inner, 1, 1), (inner, inner, 3, stride), (inner, after, 1, 1)]
            if not bottleneck:
                convs = [(before, inner, 3, stride), (inner, inner, 3, 1)]
            x = _residual(model, f"stage{stage}.block{block}", x, convs)
            before = after
    _classify(model, x, before, classes)
    return model


def _residual(model: ComputationalGraph, name: str, x: str, convs: Sequence[tuple[int, int, int, int]]) -> str:
    """A block of convolutions (channels before, after, kernel, stride), and the shortcut around them."""
    shortcut, before, after = x, convs[0][0], convs[-1][1]
    stride = max(stride for *_, stride in convs)
    for k, (read, given, kernel, step) in enumerate(convs, 1):
        x = _conv(model, f"{name}.conv{k}", x, read, given, kernel, stride=step, padding=kernel // 2)
        x = _batch_norm(model, f"{name}.bn{k}", x, given)
        if k < len(convs):
            x = model.add("Relu", x, name=f"{name}.relu{k}")
    if stride > 1 or before != after:
        shortcut = _conv(model, f"{name}.shortcut.conv", shortcut, before, after, 1, stride=stride)
        shortcut = _batch_norm(model, f"{name}.shortcut.bn", shortcut, after)
    return _relu(model, name, model.add("Add", x, shortcut, name=f"{name}.add"))


# ---------------------------------------------------------------------------------------- DenseNet


def _bn_relu(model: ComputationalGraph, name: str, x: str, channels: int, number: str = "") -> str:
    normed = _batch_norm(model, f"{name}.bn{number}", x, channels)
    return model.add("Relu", normed, name=f"{name}.relu{number}")


def _dense_block(model: ComputationalGraph, name: str, x: str, channels: int, layers: int) -> str:
    """Layers of which each gives 32 channels more, to all that come after it."""
    features = [x]
    for k in range(1, layers + 1):
        layer = f"{name}.layer{k}"
        x = model.add("Concat", *features, name=f"{layer}.concat", axis=1) if k > 1 else x
        x = _conv(model, f"{layer}.conv1", _bn_relu(model, layer, x, channels, "1"), channels, 128, 1)
        x = _conv(model, f"{layer}.conv2", _bn_relu(model, layer, x, 128, "2"), 128, 32, 3, padding=1)
        features.append(x)
        channels += 32
    return model.add("Concat", *features, name=f"{name}.concat", axis=1)


# ---------------------------------------------------------------------------------------- Transformer


def _projected(model: ComputationalGraph, name: str, x: str, before: int, after: int) -> str:
    """The product of each vector with a weight (before, after), and a bias."""
    x = model.add("MatMul", x, model.weight(f"{name}.weight", shape=(before, after)), name=name)
    return model.add("Add", x, model.weight(f"{name}.bias", shape=(after,)), name=f"{name}.add")


def _attention(model: ComputationalGraph, name: str, x: str, width: int) -> str:
    """Self-attention: in each head every vector becomes the mean of all, weighted by the softmax of its scores."""
    parts = {}
    for part, order in (("query", (0, 2, 1, 3)), ("key", (0, 2, 3, 1)), ("value", (0, 2, 1, 3))):
        made = _projected(model, f"{name}.{part}", x, width, width)
        made = model.add("Reshape", made, "split", name=f"{name}.{part}.split")
        parts[part] = model.add("Transpose", made, name=f"{name}.{part}.heads", perm=order)
    query = model.add("Mul", parts["query"], "scale", name=f"{name}.query.scale")
    scores = model.add("MatMul", query, parts["key"], name=f"{name}.scores")
    shares = model.add("Softmax", scores, name=f"{name}.softmax", axis=-1)
    heads = model.add("MatMul", shares, parts["value"], name=f"{name}.mean")
    heads = model.add("Transpose", heads, name=f"{name}.mean.vectors", perm=(0, 2, 1, 3))
    joined = model.add("Reshape", heads, "join", name=f"{name}.join")
    return _projected(model, f"{name}.output", joined, width, width)


def _feed_forward(model: ComputationalGraph, name: str, x: str, width: int, hidden: int, activation: str) -> str:
    x = _projected(model, f"{name}.expand", x, width, hidden)
    x = model.add(activation, x, name=f"{name}.{activation.lower()}")
    return _projected(model, f"{name}.contract", x, hidden, width)
