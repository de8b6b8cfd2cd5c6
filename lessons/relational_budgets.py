"""What a network on a graph costs, and how wide it may be to cost as much as another.

    cost(graph, "mlp")                        # multiply-adds and parameters at the published widths
    match_width(graph, "mlp")                 # (width,) for which it costs as much as the complete graph
    cost(graph, "mlp", match_width(graph, "mlp"))
    FAMILIES["resnet34"].layers((64, 128, 256, 512))     # the layers that are counted, a list

A sparse graph leaves weights out, so its networks may have more units: compared are networks of equal cost. A
family of your own is a name, its widths, and a function from widths to a list of `LayerPlan`s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, get_args

from lessons._checks import whole
from lessons.errors import InfeasibleError
from lessons.graph import Graph, as_graph
from lessons.relational_graphs import _hearing, _sizes

Kind = Literal["dense", "depthwise", "relational"]
After = Literal["norm", "bias", "nothing"]
KINDS = get_args(Kind)
AFTER: dict[After, int] = {"norm": 2, "bias": 1, "nothing": 0}  # parameters for each unit


class Cost(NamedTuple):
    """Of a network: `multiply_adds` for one input, a product and its addition as one, and `parameters`."""

    multiply_adds: int
    parameters: int


@dataclass(frozen=True)
class LayerPlan:
    """A layer as a budget sees it, from `n_in` to `n_out` units or channels.

    `kind` tells who hears whom: all ("dense"), each channel itself ("depthwise"), or along the graph
    ("relational"). Each pair has `window` x `window` weights, 1 in a matrix, which are used at `positions` places
    of an image. `after` it come parameters for each unit: two with a "norm", one with a "bias", or "nothing".

    Raises ValueError for another `kind` or `after`, and for a depthwise layer that changes the channels.

    >>> LayerPlan("stem", "dense", 3, 64, window=7, positions=112**2)
    LayerPlan(name='stem', kind='dense', n_in=3, n_out=64, window=7, positions=12544, after='norm')

    Notebook: 11_relational_graphs.
    """

    name: str
    kind: Kind
    n_in: int
    n_out: int
    window: int = 1
    positions: int = 1
    after: After = "norm"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} of {self.name}: one of {KINDS}")
        if self.after not in AFTER:
            raise ValueError(f"after={self.after!r} of {self.name}: one of {tuple(AFTER)}")
        if self.kind == "depthwise" and self.n_in != self.n_out:
            raise ValueError(
                f"{self.name} from {self.n_in} to {self.n_out} channels: depthwise keeps their number"
            )


@dataclass(frozen=True)
class Family:
    """Networks that differ in the graph and in how wide they are: `layers(widths)` lists what one is made of.

    `widths` are those of the complete graph, one for each stage; None where each node owns a single unit, so that
    `layers` takes the number of nodes as the only width. All widths keep their ratios when a network is matched.

    >>> pair = Family("pair", (8,), lambda widths: [LayerPlan("only", "relational", widths[0], widths[0])])
    >>> pair, pair.budget
    (Family(name='pair', widths=(8,)), 64)

    Notebook: 11_relational_graphs.
    """

    name: str
    widths: tuple[int, ...] | None
    layers: Callable[[Sequence[int]], list[LayerPlan]] = field(repr=False)

    @property
    def budget(self) -> int:
        """The multiply-adds of the complete graph at `widths`. Raises ValueError where the graph is the width."""
        return _counted(self.layers(self._of_its_own()), None).multiply_adds

    def scaled(self, first: int) -> tuple[int, ...]:
        """The widths in their ratios, from that of the first stage on, each rounded to the nearest, half to even.

        >>> FAMILIES["cnn6"].scaled(70)
        (70, 140, 280)
        """
        widths = self._of_its_own()
        return tuple(round(first * width / widths[0]) for width in widths)

    def _of_its_own(self) -> tuple[int, ...]:
        if self.widths is None:
            raise ValueError(
                f"{self.name}: each node is one unit, so its width is the graph's and none is matched"
            )
        return self.widths


# ---------------------------------------------------------------------------------------- what is counted


def cost(graph: object, family: str | Family, widths: Sequence[int] | None = None) -> Cost:
    """What a network of this family on a graph costs: its multiply-adds for one input, and its parameters.

    `family` is one of `FAMILIES`, by name, or of your own; `widths` are one for each stage, by default those that
    the family has on the complete graph. Counted are the weights that are there, each node hearing itself and its
    neighbours. The mask is never built: pairs that hear each other are sizes_out @ (A.T + I) @ sizes_in, where
    sizes are the units of each node. O(n + m) a layer.

    Raises ValueError for another name, another number of widths, and for a relational layer that has fewer units
    than the graph has nodes; TypeError for widths that are not whole numbers in a sequence.

    >>> ring = as_graph([(node, (node + 1) % 64) for node in range(64)], n=64)
    >>> cost(ring, "mlp")
    Cost(multiply_adds=1614848, parameters=1618954)

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks,
    ICML 2020, section 3.3, arXiv:2007.06559; what exactly is counted: the authors' program,
    github.com/facebookresearch/graph2nn.
    """
    graph, family = as_graph(graph), _family(family)
    default = (graph.n,) if family.widths is None else family.widths
    if widths is not None and not isinstance(widths, Iterable):
        raise TypeError(f"widths={widths!r}: a sequence is needed, one width for each stage, such as {default}")
    given = default if widths is None else tuple(whole("widths", width) for width in widths)
    if len(given) != len(default):
        raise ValueError(f"widths={given} of {family.name}: {len(default)} are needed, one for each stage")
    layers = family.layers(given)
    if (narrow := _too_narrow(layers, graph.n)) is not None:
        raise ValueError(
            f"{narrow} of {family.name} with widths={given}: each of {graph.n} nodes needs a unit on both sides; "
            "give larger widths, or a smaller graph, as the authors do"
        )
    return _counted(layers, graph)


def match_width(graph: object, family: str | Family, budget: int | None = None) -> tuple[int, ...]:
    """The widths, one for each stage, at which a network on a graph costs `budget` multiply-adds or just above.

    By default the budget is that of the complete graph at the family's widths. First all stages grow together, in
    their ratios: the least first width that reaches the budget is taken. Then each later stage in turn gives back
    what the budget does not need, at most as many units as its width is times the first. The published search
    walks to the same first width in steps; here it is bisected, since the cost rises with the width. O(n + m)
    a layer and step.

    Raises ValueError for "fixed_mlp", which has no width to choose, and where a layer that does not widen has
    fewer units than the graph has nodes; InfeasibleError where the narrowest network that gives each node a unit
    in each layer costs more, or widths do not help.

    >>> ring = as_graph([(node, (node + 1) % 64) for node in range(64)], n=64)
    >>> match_width(ring, "mlp"), match_width(ring, "cnn6")
    ((2731,), (322, 642, 1285))
    >>> cost(ring, "mlp", [2731]).multiply_adds >= FAMILIES["mlp"].budget > cost(ring, "mlp", [2730]).multiply_adds
    True

    Notebook: 11_relational_graphs. Source: as `cost`.
    """
    graph, family = as_graph(graph), _family(family)
    budget = family.budget if budget is None else whole("budget", budget)
    _check_widens(graph, family, budget)
    first = _least_first(graph, family, budget)
    widths = family.scaled(first)
    for stage in range(1, len(widths)):
        for _ in range(round(widths[stage] / first)):
            narrower = (*widths[:stage], widths[stage] - 1, *widths[stage + 1 :])
            if not _enough(graph, family, narrower, budget):
                break
            widths = narrower
    return widths


def _check_widens(graph: Graph, family: Family, budget: int) -> None:
    """Raises ValueError for a relational layer that has fewer units than there are nodes, however wide all is."""
    widest = family._of_its_own()[0] * max(budget, graph.n)
    if (narrow := _too_narrow(family.layers(family.scaled(widest)), graph.n)) is not None:
        units = min(narrow.n_in, narrow.n_out)
        raise ValueError(
            f"{narrow.name} of {family.name} has {units} units on one side, whatever the widths: too few for the "
            f"{graph.n} nodes. Give a graph of at most {units}, or a Family of your own that is wider there"
        )


def _least_first(graph: Graph, family: Family, budget: int) -> int:
    """The least first width with which the budget is reached and each node has a unit in each layer."""
    low, high = 0, family._of_its_own()[0]
    while not _enough(graph, family, family.scaled(high), budget):
        if high > max(budget, graph.n):
            raise InfeasibleError(f"budget={budget}: {family.name} does not reach it, however wide")
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _enough(graph, family, family.scaled(middle), budget):
            high = middle
        else:
            low = middle
    if _too_narrow(family.layers(family.scaled(low)), graph.n) is not None:
        least = cost(graph, family, family.scaled(high)).multiply_adds
        if least > budget:
            raise InfeasibleError(
                f"budget={budget}: {family.name} with a unit for each of {graph.n} nodes takes {least} or more"
            )
    return high


def _enough(graph: Graph, family: Family, widths: tuple[int, ...], budget: int) -> bool:
    layers = family.layers(widths)
    return _too_narrow(layers, graph.n) is None and _counted(layers, graph).multiply_adds >= budget


def _too_narrow(layers: list[LayerPlan], n: int) -> LayerPlan | None:
    """The first relational layer that has, on one side or both, fewer units than there are nodes."""
    rounds = (layer for layer in layers if layer.kind == "relational")
    return next((layer for layer in rounds if min(layer.n_in, layer.n_out) < n), None)


def _counted(layers: list[LayerPlan], graph: Graph | None) -> Cost:
    """The cost of layers on a graph, or on the complete graph."""
    products = parameters = 0
    for layer in layers:
        weights = _pairs(layer, graph) * layer.window**2
        products += weights * layer.positions
        parameters += weights + AFTER[layer.after] * layer.n_out
    return Cost(products, parameters)


def _pairs(layer: LayerPlan, graph: Graph | None) -> int:
    """How many pairs of a unit and one that it hears there are."""
    if layer.kind == "depthwise":
        return layer.n_in
    if layer.kind == "dense" or graph is None:
        return layer.n_in * layer.n_out
    heard = _hearing(graph) @ _sizes(layer.n_in, graph.n)  # by a unit of each node
    return int(_sizes(layer.n_out, graph.n) @ heard)


def _family(family: str | Family) -> Family:
    if isinstance(family, Family):
        return family
    if family not in FAMILIES:
        raise ValueError(f"family={family!r}: one of {', '.join(FAMILIES)}, or a Family of your own")
    return FAMILIES[family]


# ---------------------------------------------------------------------------------------- the published families


def _fixed_mlp(widths: Sequence[int]) -> list[LayerPlan]:
    """Five rounds in which each node is one unit and each message a product with one weight."""
    (n,) = widths
    return [LayerPlan(f"round{k}", "relational", n, n, after="nothing") for k in range(1, 6)]


def _mlp(widths: Sequence[int]) -> list[LayerPlan]:
    """Five layers on images 3x32x32, of which three are rounds; the first has 512 units, whatever the width."""
    (width,) = widths
    return [
        LayerPlan("stem", "dense", 3 * 32 * 32, 512),
        LayerPlan("round1", "relational", 512, width),
        LayerPlan("round2", "relational", width, width),
        LayerPlan("round3", "relational", width, width),
        LayerPlan("head", "dense", width, 10, after="bias"),
    ]


def _cnn6(widths: Sequence[int]) -> list[LayerPlan]:
    """Two 3x3 convolutions a stage on images 3x224x224, of which the first halves their sides."""
    layers, before, side = [LayerPlan("stem", "dense", 3, 64, 3, 112**2)], 64, 56  # 56 after pooling
    for stage, width in enumerate(widths, 1):
        side //= 2
        for k, n_in in ((1, before), (2, width)):
            layers.append(LayerPlan(f"stage{stage}.conv{k}", "relational", n_in, width, 3, side**2))
        before = width
    return [*layers, LayerPlan("head", "dense", before, 1000, after="bias")]


Block = Callable[
    [str, int, int, int, int], list[LayerPlan]
]  # name, channels and side before, channels and side after


def _resnet(block: Block, widths: Sequence[int]) -> list[LayerPlan]:
    """Stages of 3, 4, 6 and 3 blocks on images 3x224x224; each later stage begins with halving their sides."""
    layers, before, side = [LayerPlan("stem", "dense", 3, 64, 7, 112**2)], 64, 56  # 56 after pooling
    for stage, (width, depth) in enumerate(zip(widths, (3, 4, 6, 3), strict=True), 1):
        for k in range(1, depth + 1):
            after = side // 2 if k == 1 < stage else side
            layers += block(f"stage{stage}.block{k}", before, side, width, after)
            before, side = width, after
    return [*layers, LayerPlan("head", "dense", before, 1000, after="bias")]


def _basic(name: str, before: int, old: int, width: int, side: int) -> list[LayerPlan]:
    return [
        LayerPlan(f"{name}.conv1", "relational", before, width, 3, side**2),
        LayerPlan(f"{name}.conv2", "relational", width, width, 3, side**2),
        *_shortcut(name, "relational", before, old, width, side),
    ]


def _separable(name: str, before: int, old: int, width: int, side: int) -> list[LayerPlan]:
    return [
        LayerPlan(f"{name}.depthwise1", "depthwise", before, before, 3, side**2, after="nothing"),
        LayerPlan(f"{name}.pointwise1", "relational", before, width, 1, side**2),
        LayerPlan(f"{name}.depthwise2", "depthwise", width, width, 3, side**2, after="nothing"),
        LayerPlan(f"{name}.pointwise2", "relational", width, width, 1, side**2),
        *_shortcut(name, "relational", before, old, width, side),
    ]


def _bottleneck(name: str, before: int, old: int, width: int, side: int) -> list[LayerPlan]:
    """The second convolution has the stride, and the shortcut is dense."""
    inner = round(width / 4)
    return [
        LayerPlan(f"{name}.conv1", "relational", before, inner, 1, old**2),
        LayerPlan(f"{name}.conv2", "relational", inner, inner, 3, side**2),
        LayerPlan(f"{name}.conv3", "relational", inner, width, 1, side**2),
        *_shortcut(name, "dense", before, old, width, side),
    ]


def _shortcut(name: str, kind: Kind, before: int, old: int, width: int, side: int) -> list[LayerPlan]:
    """What leads around a block: nothing to count, unless it has to change the channels or the sides."""
    if (before, old) == (width, side):
        return []
    return [LayerPlan(f"{name}.shortcut", kind, before, width, 1, side**2)]


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("fixed_mlp", None, _fixed_mlp),
        Family("mlp", (512,), _mlp),
        Family("cnn6", (64, 128, 256), _cnn6),
        Family("resnet34", (64, 128, 256, 512), partial(_resnet, _basic)),
        Family("resnet34_sep", (64, 128, 256, 512), partial(_resnet, _separable)),
        Family("resnet50", (256, 512, 1024, 2048), partial(_resnet, _bottleneck)),
    )
}
