"""Networks whose layers are rounds of messages on a graph: who hears whom is the same in every layer.

    mask = relational_mask(graph, 100, 80)                # (100, 80): which of 80 units each of 100 hears
    layer = RelationalLinear(graph, 80, 100, seed=0)      # a Linear of which the rest is missing
    model = RelationalMLP(graph, 3072, 800, 10, seed=0)   # three rounds on the graph between two dense layers
    model = RelationalCNN(graph, 3, (64, 128), 10, seed=0)

`lessons.relational_budgets` tells how wide they may be. Weights that are missing are stored, as zeros, and take
part in dense products: what such a network would save is counted there, not saved here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lessons import _rng
from lessons._checks import whole
from lessons.graph import Graph, as_graph
from lessons.layers import BatchNorm, Conv2d, Linear, Sequential, seed_of
from lessons.tensor import Tensor
from lessons.tensor_functions import Pair, conv2d, linear, relu

if TYPE_CHECKING:
    import scipy.sparse

# ---------------------------------------------------------------------------------------- who hears whom


def exchange_definition(
    neighbours: Sequence[Sequence[int]],
    x: Sequence[Any],
    message: Callable[[int, int, Any], Any],
    aggregate: Callable[[list[Any]], Any],
) -> list[Any]:
    """One round of messages: each node v gathers `message(v, u, x[u])` from those whom it hears.

    `neighbours[v]` are the nodes that v hears, v itself only where it is listed; `x[u]` is what u has to say, of
    any kind. `aggregate` makes of the list of messages, in the order of `neighbours[v]`, what v has afterwards.
    O(messages).

    >>> exchange_definition([[0, 1], [1, 0, 2], [2, 1]], [1, 10, 100], lambda v, u, x: x, sum)
    [11, 111, 110]

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks,
    ICML 2020, equation 1, arXiv:2007.06559.
    """
    return [aggregate([message(v, u, x[u]) for u in heard]) for v, heard in enumerate(neighbours)]


def node_sizes(width: int, n: int) -> NDArray[np.int64]:
    """(n,) how many of the `width` units of a layer each of n nodes owns: width // n, some of them one more.

    One more for width % n nodes, which are the same for all graphs of n nodes, as published. A wider layer gives
    no node fewer. O(n).

    Raises ValueError for a width below n, since a node would own no unit; the authors then draw a smaller graph.

    >>> node_sizes(11, 4), node_sizes(12, 4)
    (array([2, 3, 3, 3]), array([3, 3, 3, 3]))

    Notebook: 11_relational_graphs. Source: the authors' program, github.com/facebookresearch/graph2nn.
    """
    if whole("width", width) < whole("n", n):
        raise ValueError(
            f"width={width} for a graph of {n} nodes: each owns a unit at least, so {n} or more are needed, or a "
            "smaller graph"
        )
    return _sizes(width, n).copy()


@lru_cache(maxsize=8192)  # who looks for a width asks for the same ones again and again
def _sizes(width: int, n: int) -> NDArray[np.int64]:
    sizes = width // n + (_turns(n) < width % n)
    sizes.flags.writeable = False
    return sizes


@cache
def _turns(n: int) -> NDArray[np.int64]:
    """(n,) when each node gets one of the units that are left over: node v after _turns(n)[v] others."""
    return np.random.RandomState(1).permutation(n).astype(np.int64)  # NumPy's old generator, as published


def relational_mask(graph: object, n_out: int, n_in: int | None = None) -> NDArray[np.bool_]:
    """M (n_out, n_in) of a layer from n_in to n_out units, n_in = n_out unless told. Row = receiver.

    M[i, j] is True where the node that owns unit i of the layer hears the node that owns unit j of the layer
    before: itself, or one from which an edge leads to it. The units of a node stand side by side, nodes in the
    order of `graph.nodes`, and `node_sizes` tells how many each has. Weights are not looked at. In brain networks
    the authors let each node hear those that its arcs lead to: that is the mask of `graph.reverse`. O(n_out n_in).

    Raises ValueError where one of both layers has fewer units than the graph has nodes.

    >>> ring = as_graph([(0, 1), (1, 2), (2, 3), (3, 0)], n=4)
    >>> relational_mask(ring, 4, 5).astype(int)
    array([[1, 1, 0, 0, 1],
           [1, 1, 1, 1, 0],
           [0, 1, 1, 1, 1],
           [1, 0, 1, 1, 1]])

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, ICML 2020, section 2.3,
    arXiv:2007.06559.
    """
    graph = as_graph(graph)
    receivers = node_sizes(n_out, graph.n)
    senders = receivers if n_in is None else node_sizes(n_in, graph.n)
    hears = _hearing(graph).toarray().astype(np.bool_)
    return hears.repeat(receivers, axis=0).repeat(senders, axis=1)


def _hearing(graph: Graph) -> scipy.sparse.csr_array:
    """(n, n) A.T + I in 0 and 1: node v hears node u where 1 stands at [v, u]. Kept, never to be written to."""
    return graph.kept("hearing", lambda: _heard(graph))


def _heard(graph: Graph) -> scipy.sparse.csr_array:
    from scipy.sparse import coo_array

    own = np.arange(graph.n)
    ends = np.concatenate([graph.indices, own]), np.concatenate([graph.sources, own])
    hears = coo_array((np.ones(len(ends[0]), np.int64), ends), shape=(graph.n, graph.n)).tocsr()
    hears.data[:] = 1  # a self-loop was there twice
    return hears


# ---------------------------------------------------------------------------------------- layers


class RelationalLinear(Linear):
    """One round of messages on a graph: x @ (W * M).T + b, from x (..., n_in) to (..., n_out).

    M is the graph's `relational_mask`, kept as `mask`. Between two nodes that hear each other all units are
    connected. Weights start as those of `Linear`, with the number of units that each unit really hears in place of
    n_in; the others are zero, get no gradient, and so stay zero under any optimiser, with weight decay or without.
    On a complete graph it is `Linear`. The mask is part of `state`. O(n_in n_out) for each row of x, whatever
    the graph.

    >>> ring = as_graph([(0, 1), (1, 2), (2, 3), (3, 0)], n=4)
    >>> layer = RelationalLinear(ring, 8, 4, seed=0)
    >>> layer, int(layer.mask.sum()), int(np.count_nonzero(layer.W.data))
    (RelationalLinear(n=4, 8, 4), 24, 24)

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, ICML 2020, equation 3,
    arXiv:2007.06559; the start: K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, ICCV 2015, equation
    10.
    """

    _arrays = ("mask",)

    def __init__(
        self,
        graph: object,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        graph = as_graph(graph)
        self.mask = relational_mask(graph, n_out, n_in)
        self._n = graph.n
        super().__init__(n_in, n_out, bias=bias, seed=seed, dtype=dtype)
        self.W = _thinned(self.W, self.mask)

    def __call__(self, x: Any) -> Tensor:
        return linear(x, self.W * self.mask, self.b)

    def __repr__(self) -> str:
        return f"RelationalLinear(n={self._n}, {self.W.shape[1]}, {self.W.shape[0]})"


class RelationalConv2d(Conv2d):
    """One round of messages that are images: a `Conv2d` in which each channel reads only those that it hears.

    A node owns channels as it owns units in a `RelationalLinear`: `mask` (channels_out, channels_in) holds for all
    places of the window. Where it is False the weights `W` (channels_out, channels_in, *size) are zero and stay
    zero. O(that of `Conv2d`).

    >>> ring = as_graph([(0, 1), (1, 2), (2, 3), (3, 0)], n=4)
    >>> layer = RelationalConv2d(ring, 4, 8, 3, padding=1, seed=0)
    >>> layer, layer(np.ones((2, 4, 5, 5), np.float32)).shape, int(layer.mask.sum())
    (RelationalConv2d(n=4, 4, 8, 3), (2, 8, 5, 5), 24)

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, ICML 2020, section 2.3,
    arXiv:2007.06559.
    """

    _arrays = ("mask",)

    def __init__(
        self,
        graph: object,
        channels_in: int,
        channels_out: int,
        size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        bias: bool = True,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        graph = as_graph(graph)
        self.mask = relational_mask(graph, channels_out, channels_in)
        self._n = graph.n
        super().__init__(
            channels_in, channels_out, size, stride=stride, padding=padding, bias=bias, seed=seed, dtype=dtype
        )
        self.W = _thinned(self.W, self.mask)

    def __call__(self, x: Any) -> Tensor:
        W = self.W * self.mask[:, :, None, None]
        return conv2d(x, W, self.b, stride=self.stride, padding=self.padding)

    def __repr__(self) -> str:
        return f"RelationalConv2d(n={self._n}, {self.W.shape[1]}, {self.W.shape[0]}, {self.size})"


def _thinned(W: Tensor, mask: NDArray[np.bool_]) -> Tensor:
    """The weights (out, in, ...) that are there, grown so that the variance fits the inputs that each row has."""
    growth = np.sqrt(mask.shape[1] / mask.sum(axis=1, keepdims=True)) * mask
    growth = growth.reshape(mask.shape + (1,) * (W.ndim - 2))
    return Tensor((W.data * growth).astype(W.dtype), name="W")


# ---------------------------------------------------------------------------------------- networks


class RelationalMLP(Sequential):
    """A multilayer perceptron with rounds on a graph in its middle, from x (rows, n_in) to scores (rows, n_out).

    A dense layer to `stem` units, then `rounds` of a `RelationalLinear` to `width` units, each of these followed
    by batch normalisation and relu, and a dense layer to the scores: five layers with three rounds, as published
    with n_in 3072, stem 512 and width from `match_width`. Each layer draws from a stream of its own.

    Raises ValueError where stem or width is below the number of nodes.

    >>> ring = as_graph([(0, 1), (1, 2), (2, 3), (3, 0)], n=4)
    >>> model = RelationalMLP(ring, 64, 12, 10, stem=8, rounds=2, seed=0)
    >>> model, model(np.ones((3, 64), np.float32)).shape
    (RelationalMLP(n=4, 64, 12, 10, rounds=2, stem=8), (3, 10))

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, ICML 2020, section 4.1,
    arXiv:2007.06559.
    """

    def __init__(
        self,
        graph: object,
        n_in: int,
        width: int,
        n_out: int,
        *,
        rounds: int = 3,
        stem: int = 512,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        graph, seeds = as_graph(graph), _seeds(seed)
        steps: list[Callable[[Any], Tensor]] = []
        steps += [
            Linear(n_in, stem, bias=False, seed=next(seeds), dtype=dtype),
            BatchNorm(stem, dtype=dtype),
            relu,
        ]
        for k in range(whole("rounds", rounds)):
            layer = RelationalLinear(graph, width if k else stem, width, bias=False, seed=next(seeds), dtype=dtype)
            steps += [layer, BatchNorm(width, dtype=dtype), relu]
        super().__init__(*steps, Linear(width, n_out, seed=next(seeds), dtype=dtype))
        self._told = f"n={graph.n}, {n_in}, {width}, {n_out}, rounds={rounds}, stem={stem}"

    def __repr__(self) -> str:
        return f"RelationalMLP({self._told})"


class RelationalCNN(Sequential):
    """A small convolutional network on a graph, from images (rows, channels_in, height, width) to (rows, n_out).

    A dense 3x3 convolution to `stem` channels, then for each of `widths` a stage of two `RelationalConv2d` of 3x3,
    of which the first halves the sides of the image, except in the first stage. Batch normalisation and relu
    follow each convolution; the scores are a dense layer of each channel's mean over the image. Three stages suit
    images of 32x32, two the digits of 8x8. Each layer draws from a stream of its own.

    Raises ValueError for no widths, and where stem or a width is below the number of nodes.

    >>> ring = as_graph([(0, 1), (1, 2), (2, 3), (3, 0)], n=4)
    >>> model = RelationalCNN(ring, 1, (8, 12), 10, stem=4, seed=0)
    >>> model, model(np.ones((3, 1, 8, 8), np.float32)).shape
    (RelationalCNN(n=4, 1, (8, 12), 10, stem=4), (3, 10))

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, ICML 2020, section 4.1,
    arXiv:2007.06559: a smaller sister of its CNN-6.
    """

    def __init__(
        self,
        graph: object,
        channels_in: int,
        widths: Sequence[int],
        n_out: int,
        *,
        stem: int = 64,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        graph, seeds, widths = as_graph(graph), _seeds(seed), tuple(widths)
        if not widths:
            raise ValueError("widths=(): one for each stage, such as (64, 128)")
        first = Conv2d(channels_in, stem, 3, padding=1, bias=False, seed=next(seeds), dtype=dtype)
        steps: list[Callable[[Any], Tensor]] = [first, BatchNorm(stem, dtype=dtype), relu]
        before = stem
        for stage, width in enumerate(widths):
            for stride in (2 if stage else 1, 1):
                layer = RelationalConv2d(
                    graph, before, width, 3, stride=stride, padding=1, bias=False, seed=next(seeds), dtype=dtype
                )
                steps += [layer, BatchNorm(width, dtype=dtype), relu]
                before = width
        super().__init__(*steps, mean_of_image, Linear(before, n_out, seed=next(seeds), dtype=dtype))
        self._told = f"n={graph.n}, {channels_in}, {widths}, {n_out}, stem={stem}"

    def __repr__(self) -> str:
        return f"RelationalCNN({self._told})"


def mean_of_image(x: Tensor) -> Tensor:
    """(rows, channels, height, width) as (rows, channels): the mean of each channel."""
    return x.mean(axis=(2, 3))


def _seeds(seed: _rng.Seed) -> Iterator[int]:
    """A seed for each layer, one after the other."""
    key, k = _rng.key_of(seed), 0
    while True:
        yield seed_of(key, k)
        k += 1
