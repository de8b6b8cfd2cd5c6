"""Pictures of a small `ComputationalGraph`: operators as boxes, tensors as arrows between their ports.

figure(*draw_model(model))
figure(*draw_model(block, marked=["Add_0"], title="One residual block"))
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, Literal

from lessons.errors import CycleError
from lessons.model import ComputationalGraph, Node
from lessons.operators import Shape
from lessons.show import GREY, INK, PALE_GREY, PALE_YELLOW, PALER_BLUE, PALETTE, PAPER, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 60  # nodes; above, draw_ribbon shows more
NAMED = 8  # nodes; above, weights are drawn without their names
WIDE = 540.0  # points, the most that is still legible on a page; what is longer runs from top to bottom
ROW, CHIP, PORT = 22.0, 12.0, 11.0  # points: height of a box, of a weight, distance of two ports
GIVEN, AMISS = PALER_BLUE, PALETTE[5]
SHORT = {"BatchNormalization": "BatchNorm", "LayerNormalization": "LayerNorm"}
SHORT |= {"GlobalAveragePool": "GlobalAvgPool", "AveragePool": "AvgPool"}


def draw_model(
    model: ComputationalGraph,
    *,
    marked: Collection[str] = (),
    weights: bool = True,
    title: str = "",
    alt: str = "",
) -> tuple[Figure, str]:
    """Draw a model: -> (figure, alt text), by default one that reads it out.

    Boxes are nodes, with their operators, and the numbers of their ports where they have several. Rounded labels
    are the inputs, with a double rim the outputs, dotted ones the weights, if wanted. Shapes stand on the arrows,
    where they are known. `marked` nodes have a thick rim; what `model.problems()` complains of is red and dashed.
    It runs from left to right where that fits, else from top to bottom. O((n + m) depth).

    Raises ValueError for more than 60 nodes.

    >>> model = ComputationalGraph()
    >>> model.output(model.add("Relu", model.input("x", (1, 3)), name="y"))
    >>> draw_model(model)[1]
    'A computational graph from the input x to the output y: y = Relu(x).'

    Notebook: 01_computational_graphs.
    """
    if len(model.nodes) > FEW:
        raise ValueError(f"{len(model.nodes)} nodes are too many to read: draw_ribbon draws large models")
    plan = _Plan(model, weights)
    along, across = plan.place(down=False)
    down = along > WIDE
    if down:
        along, across = plan.place(down=True)
    width, height = (across, along) if down else (along, across)
    width, top = max(width, 120.0), 18.0 if title else 0.0
    fig, axes = canvas(width / 72, (height + top) / 72)
    fig.set_layout_engine("none")
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, -top), position=(0, 0, 1, 1))
    axes.text(width / 2, -top / 2, title, ha="center", va="center", fontsize=10, color=INK)
    _Pen(axes, down, marked).draw(plan)
    return fig, alt or read_out(model)


def read_out(model: ComputationalGraph) -> str:
    """A model in a sentence: its nodes one by one while they are few, else how many of each operator.

    >>> model = ComputationalGraph()
    >>> for k in range(9):
    ...     model.output(model.add("Relu", model.input(f"x{k}", (1,))))
    >>> read_out(model)
    'A computational graph from 9 inputs to 9 outputs: 9 Relu.'
    """
    ends = f"from {_named('input', list(model.inputs))}"
    if model.outputs:
        ends += f" to {_named('output', model.outputs)}"
    if len(model.nodes) <= NAMED:
        parts = [
            f"{', '.join(n.outputs)} = {n.op}({', '.join(t or 'nothing' for t in n.inputs)})" for n in model.nodes
        ]
    else:
        ops = [node.op for node in model.nodes]
        parts = [f"{ops.count(op)} {op}" for op in dict.fromkeys(ops)]
        joins = [n.name for n in model.nodes if sum(1 for t in n.inputs if t and t not in model.weights) > 1]
        parts += [f"branches meet at {_listed(joins)}"] if joins else []
    return f"A computational graph {ends}: {', '.join(parts) or 'no nodes'}.{_told_amiss(model.problems())}"


def written(shape: Shape | None) -> str:
    """A shape as it stands in pictures.

    >>> written((1, 3, "height", None)), written(()), written(None)
    ('1×3×height×?', 'one', '')
    """
    if shape is None:
        return ""
    return "×".join("?" if length is None else str(length) for length in shape) or "one"


def _named(what: str, names: list[str]) -> str:
    if len(names) <= 3:
        return f"the {what}{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else f"no {what}"
    return f"{len(names)} {what}s"


def _told_amiss(problems: list[str]) -> str:
    if not problems:
        return ""
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f" What is wrong is drawn red and dashed: {problems[0].partition('. ')[0]}{more}."


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} nodes"


def _shapes(model: ComputationalGraph) -> dict[str, str]:
    try:
        return {name: written(tensor.shape) for name, tensor in model.tensors.items()}
    except CycleError:
        return {}


# ---------------------------------------------------------------------------------------- where things stand


@dataclass(eq=False)
class _Item:
    """What is placed: a node, a label at an end of the graph, or a bend of an arrow that passes a level."""

    kind: Literal["node", "input", "output", "missing", "bend"]
    words: list[str]
    node: Node | None = None
    chips: list[str] = field(default_factory=list)
    amiss: bool = False
    level: int = 0
    lane: int = 0
    entries: int = 0  # arrows that end here
    shape: str = ""  # of what it gives
    rise: float = 0.0  # how far its arrows turn away on the way to their ports
    left: bool = False  # where its shape stands beside arrows that run down
    below: bool = False  # where its shape stands beside arrows that run to the right
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def sockets(self) -> bool:
        """Whether its ports are numbered."""
        return self.node is not None and (self.entries > 1 or bool(self.chips))

    def size(self, down: bool) -> tuple[float, float]:
        """Width and height, with room for the numbers of its ports."""
        if self.kind == "bend":
            return 0.0, 0.0
        width = 14 + max(_wide(word, 8.5 - 1.5 * k) for k, word in enumerate(self.words))
        height = 18.0 if self.node is None else ROW + 5 * (len(self.words) - 1)
        if not self.sockets:
            return width, height
        room = PORT * self.entries
        return (max(width, room), height + 8) if down else (width + 9, max(height, room))

    def sides(self, down: bool) -> tuple[float, float]:
        """What it takes on both sides of the middle of its lane, with its weights and its shape."""
        half = (self.width if down else self.height) / 2
        if not down:
            return half, half + _stack(self.chips)
        chips = max((_wide(chip, 7) + 20 for chip in self.chips), default=0.0)
        shape = _wide(self.shape, 7) + 8
        return max(half + chips, shape * self.left), max(half, shape * (not self.left))


@dataclass(eq=False)
class _Wire:
    """An arrow from who gives a tensor to one port of who reads it; `back` closes a cycle."""

    source: _Item
    target: _Item
    tensor: str
    port: int = 0
    bends: list[_Item] = field(default_factory=list)
    back: bool = False


class _Plan:
    """Items on levels and lanes, in layers after Sugiyama: an arrow that passes levels bends on each of them."""

    def __init__(self, model: ComputationalGraph, with_weights: bool) -> None:
        self.weights, self.shapes = model.weights, _shapes(model)
        self.with_weights = with_weights
        self.named = len(model.nodes) <= NAMED
        self.prefix = _common([node.name for node in model.nodes])
        blamed = " ".join(model.problems())
        self.nodes = {n.name: self._box(n, f"node {n.name!r}" in blamed) for n in model.nodes}
        self.ends = {tensor: _Item("input", [tensor]) for tensor in model.inputs}
        self.wires: list[_Wire] = []
        for node in model.nodes:
            for port, tensor in enumerate(node.inputs):
                if tensor and tensor not in self.weights:
                    self.wires.append(_Wire(self._giver(model, tensor), self.nodes[node.name], tensor, port))
        results = [_Item("output", [tensor]) for tensor in model.outputs]
        for item, tensor in zip(results, model.outputs, strict=True):
            self.wires.append(_Wire(self._giver(model, tensor), item, tensor))
        self.items = [*self.ends.values(), *self.nodes.values(), *results]
        for wire in self.wires:
            wire.target.entries += 1
        self._mark_back()
        self._set_levels()
        self._bend()
        self._set_lanes()
        self._set_labels()

    def _box(self, node: Node, amiss: bool) -> _Item:
        name = [] if node.name.rpartition("_")[0] == node.op else [node.name.removeprefix(self.prefix)]
        ports = [port for port, tensor in enumerate(node.inputs) if tensor in self.weights]
        chips = [f"{port}: {self._weight(node, node.inputs[port])}" for port in ports]
        if not self.with_weights:
            chips = []
        elif len(ports) > 2:
            chips = [f"{ports[0]}–{ports[-1]}: {len(ports)} weights"]
        return _Item("node", [SHORT.get(node.op, node.op), *name], node, chips, amiss)

    def _weight(self, node: Node, tensor: str) -> str:
        """Shape of a weight, and its name while there is room; without that of its node."""
        shape = self.shapes.get(tensor, "")
        return f"{tensor.removeprefix(f'{node.name}.')}  {shape}" if self.named else shape or tensor

    def _giver(self, model: ComputationalGraph, tensor: str) -> _Item:
        node = model.producer(tensor)
        if node is not None:
            return self.nodes[node.name]
        kind: Literal["input", "missing"] = "input" if tensor in self.weights else "missing"
        return self.ends.setdefault(tensor, _Item(kind, [tensor], amiss=kind == "missing"))

    def _mark_back(self) -> None:
        """Wires that lead back into the walk that follows them, depth first: without them there is no cycle."""
        leaving = _grouped((wire.source, wire) for wire in self.wires)
        state: dict[_Item, str] = {}
        for start in self.items:
            stack = [(start, iter(leaving[start]))] if start not in state else []
            state.setdefault(start, "open")
            while stack:
                item, wires = stack[-1]
                wire = next(wires, None)
                if wire is None:
                    state[item] = "done"
                    stack.pop()
                elif state.get(wire.target) == "open":
                    wire.back = True
                elif wire.target not in state:
                    state[wire.target] = "open"
                    stack.append((wire.target, iter(leaving[wire.target])))

    def _set_levels(self) -> None:
        """Longest path from an end; then what waits for nothing moves up to its first reader."""
        forward = [wire for wire in self.wires if not wire.back]
        for _ in self.items:
            moved = [wire for wire in forward if wire.target.level <= wire.source.level]
            for wire in moved:
                wire.target.level = wire.source.level + 1
            if not moved:
                break
        entered = {wire.target for wire in forward}
        for source, wires in _grouped((wire.source, wire) for wire in forward).items():
            if source not in entered:
                source.level = min(wire.target.level for wire in wires) - 1

    def _bend(self) -> None:
        for wire in self.wires:
            if wire.back:  # round the outside
                wire.bends = [_Item("bend", [], level=end.level, lane=-1) for end in (wire.source, wire.target)]
            else:
                between = range(wire.source.level + 1, wire.target.level)
                wire.bends = [_Item("bend", [], level=level) for level in between]
            self.items += wire.bends

    def _set_lanes(self) -> None:
        """Each beside the middle one of those that it hears; arrows that pass go to the far side."""
        hears = defaultdict(list)
        for wire in self.wires:
            walk = [wire.source, *wire.bends, wire.target]
            for before, after in pairwise(walk):
                if not wire.back:
                    hears[after].append(before)
        for level in range(max((item.level for item in self.items), default=0) + 1):
            here = [item for item in self.items if item.level == level and item.lane >= 0]
            wanted = {item: _middle([other.lane for other in hears[item]]) for item in here}
            free = 0
            for item in sorted(here, key=lambda item: (not hears[item], wanted[item], item.kind == "bend")):
                item.lane = max(wanted[item], free)
                free = item.lane + 1

    def _set_labels(self) -> None:
        """Shapes stand on the side to which no arrow turns."""
        for item, wires in _grouped((wire.source, wire) for wire in self.wires).items():
            turns = [(wire.bends or [wire.target])[0].lane - item.lane for wire in wires]
            straight = [wire for wire in wires if not wire.bends and wire.target.lane == item.lane]
            item.shape = self.shapes.get(wires[0].tensor, "")
            item.rise = max(PORT * (wire.target.entries - 1) / 2 for wire in wires)
            item.left = max(turns) > 0 or any(wire.target.entries > 1 for wire in straight)
            item.below = max(turns) < 0

    def place(self, down: bool) -> tuple[float, float]:
        """Give everything its x and y; returns the extent along the levels and across them, in points."""
        length = [0.0] * (1 + max((item.level for item in self.items), default=0))
        gap = [18.0 if down else 24.0] * len(length)
        for wire in self.wires if down else ():  # where many meet, some arrows pass below the shapes of others
            gap[wire.target.level - 1] = max(gap[wire.target.level - 1], 32.0 * (wire.target.entries > 2))
        before: dict[int, float] = defaultdict(lambda: 6.0)
        after: dict[int, float] = defaultdict(lambda: 6.0)
        for item in self.items:
            item.width, item.height = item.size(down)
            length[item.level] = max(length[item.level], item.height if down else item.width)
            gap[item.level] = max(gap[item.level], 0.0 if down else _wide(item.shape, 7) + 14)
            sides = item.sides(down)
            before[item.lane] = max(before[item.lane], sides[0] + 4)
            after[item.lane] = max(after[item.lane], sides[1] + 4)
        start, lanes = _starts(length, gap, any(wire.back for wire in self.wires)), _centres(before, after)
        for item in self.items:
            middle = start[item.level] + length[item.level] / 2
            item.x, item.y = (lanes[item.lane], middle) if down else (middle, lanes[item.lane])
            if item.kind == "bend":  # an arrow that passes a level runs straight along all of it
                item.width, item.height = (0.0, length[item.level]) if down else (length[item.level], 0.0)
        last = max(lanes, default=0)
        return start[-1] + length[-1] + 4, lanes.get(last, 0.0) + after[last] + 2


# ---------------------------------------------------------------------------------------- how they look


class _Pen:
    """Draws a plan on axes whose unit is a point, y growing downwards."""

    def __init__(self, axes: Any, down: bool, marked: Collection[str]) -> None:
        self.axes, self.down, self.marked = axes, down, marked

    def draw(self, plan: _Plan) -> None:
        entering = _grouped((wire.target, wire) for wire in plan.wires)
        for item, wires in entering.items():
            pairs = Counter(wire.source for wire in wires)
            for k, wire in enumerate(wires):
                aside = PORT * (k - (len(wires) - 1) / 2)
                self._wire(wire, aside if pairs[wire.source] == len(wires) else 0.0, aside)
                if item.sockets:
                    self._socket(item, wire.port, aside)
        for item in plan.items:
            if item.kind != "bend":
                self._item(item)
                self._label(item)

    def _item(self, item: _Item) -> None:
        self._box(item, 0.0)
        if item.kind == "output":
            self._box(item, 2.5)
        room = 4.0 if item.sockets else 0.0
        x, y = item.x + room * (not self.down), item.y + room * self.down - 4.5 * (len(item.words) - 1)
        for k, word in enumerate(item.words):
            look = {"fontsize": 8.5 - 1.5 * k, "color": GREY if k else INK, "zorder": 5}
            text = f"{word}?" if item.kind == "missing" else word
            self.axes.text(x, y + 9.5 * k, text, ha="center", va="center_baseline", **look)
        for k, chip in enumerate(item.chips):
            self._chip(item, chip, k)

    def _box(self, item: _Item, rim: float) -> None:
        """The outline of an item, moved inwards by `rim` points."""
        from matplotlib.patches import FancyBboxPatch

        marked = item.node is not None and item.node.name in self.marked
        corner = item.x - item.width / 2 + rim, item.y - item.height / 2 + rim
        radius = (2 if item.kind == "node" else 9) - rim
        style = f"round,pad=0,rounding_size={max(radius, 1)}"
        box = FancyBboxPatch(corner, item.width - 2 * rim, item.height - 2 * rim, boxstyle=style)
        fill = GIVEN if item.kind in ("input", "output") else PALE_YELLOW if marked else PAPER
        box.set(facecolor=fill, edgecolor=AMISS if item.amiss else INK, zorder=3)
        box.set(linewidth=2.2 if marked or item.amiss else 1.0, linestyle="--" if item.amiss else "-")
        self.axes.add_patch(box)

    def _chip(self, item: _Item, text: str, k: int) -> None:
        """A weight: below its node, or to its left where the picture runs downwards."""
        if self.down:
            x, y = item.x - item.width / 2 - 9, item.y + (CHIP + 2) * (k - (len(item.chips) - 1) / 2)
            line, side = ([x, item.x - item.width / 2], [y, y]), "right"
        else:
            x, y = item.x, item.y + item.height / 2 + 12 + (CHIP + 3) * k
            line, side = ([x, x], [item.y, y]), "center"
        self.axes.plot(*line, color=GREY, linewidth=0.9, zorder=1)
        box = {"boxstyle": "round,pad=0.25", "facecolor": PALE_GREY, "edgecolor": GREY, "linestyle": ":"}
        self.axes.text(x, y, text, ha=side, va="center", fontsize=7, color=INK, bbox=box, zorder=4)

    def _label(self, item: _Item) -> None:
        near = {"fontsize": 7, "color": INK, "zorder": 4}
        if self.down:
            x, y = item.x + (-5 if item.left else 5), item.y + item.height / 2 + 2
            self.axes.text(x, y, item.shape, ha="right" if item.left else "left", va="top", **near)
        else:
            x, y = item.x + item.width / 2 + 4, item.y + (2 if item.below else -2 - item.rise)
            self.axes.text(x, y, item.shape, ha="left", va="top" if item.below else "bottom", **near)

    def _socket(self, item: _Item, port: int, aside: float) -> None:
        x, y = item.x + aside, item.y - item.height / 2 + 1
        look = {"fontsize": 6.5, "color": PALETTE[0], "weight": "bold", "zorder": 5}
        if self.down:
            self.axes.text(x, y, str(port), ha="center", va="top", **look)
        else:
            self.axes.text(item.x - item.width / 2 + 2, item.y + aside, str(port), ha="left", va="center", **look)

    def _wire(self, wire: _Wire, leaving: float, entering: float) -> None:
        from matplotlib.patches import FancyArrowPatch

        path = self._path(wire, leaving, entering)
        arrow = FancyArrowPatch(path=path, arrowstyle="-|>,head_length=4,head_width=2", shrinkA=0, shrinkB=0)
        amiss = wire.back or wire.source.kind == "missing"
        arrow.set(color=AMISS if amiss else INK, linewidth=1.6 if amiss else 1.0, zorder=2)
        arrow.set(linestyle="--" if amiss else "-")
        self.axes.add_patch(arrow)

    def _path(self, wire: _Wire, leaving: float, entering: float) -> Any:
        """Straight along the levels that it passes, and in curves between them."""
        from matplotlib.path import Path

        first, last = (1, -1) if not wire.back else (-1, 1)
        stops = [self._end(wire.source, 1, leaving)]
        for bend in wire.bends:
            stops += [self._end(bend, last, 0), self._end(bend, first, 0)]
        stops.append(self._end(wire.target, -1, entering))
        points, codes = [stops[0]], [Path.MOVETO]
        for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(stops)):
            way = 20.0 if k == 0 else -20.0 if k == len(stops) - 2 else 0.0
            if self.down:
                ease = (y1 - y0) / 2 if not wire.back else way
                controls = [(x0, y0 + ease), (x1, y1 - ease if not wire.back else y1 + ease)]
            else:
                ease = (x1 - x0) / 2 if not wire.back else way
                controls = [(x0 + ease, y0), (x1 - ease if not wire.back else x1 + ease, y1)]
            points += [*controls, (x1, y1)]
            codes += [Path.CURVE4] * 3
        return Path(points, codes)

    def _end(self, item: _Item, side: int, aside: float) -> tuple[float, float]:
        """Where arrows leave an item (side 1) or enter it (side -1)."""
        if self.down:
            return item.x + aside, item.y + side * item.height / 2
        return item.x + side * item.width / 2, item.y + aside


# ---------------------------------------------------------------------------------------- helpers


def _grouped(pairs: Iterable[tuple[_Item, _Wire]]) -> dict[_Item, list[_Wire]]:
    groups: dict[_Item, list[_Wire]] = defaultdict(list)
    for item, wire in pairs:
        groups[item].append(wire)
    return groups


def _common(names: list[str]) -> str:
    """The first words, each with its dot, that all names share."""
    words = zip(*(name.split(".")[:-1] for name in names), strict=False)
    return "".join(f"{same[0]}." for same in takewhile(lambda same: len(set(same)) == 1, words))


def _middle(lanes: list[int]) -> int:
    return sorted(lanes)[(len(lanes) - 1) // 2] if lanes else 0


def _wide(text: str, size: float) -> float:
    """About how many points a text takes."""
    return 0.63 * size * len(text)


def _stack(chips: list[str]) -> float:
    return (CHIP + 3) * len(chips) + 6 if chips else 0.0


def _starts(length: list[float], gap: list[float], round_the_outside: bool) -> list[float]:
    starts = [24.0 if round_the_outside else 4.0]
    for before, space in zip(length, gap, strict=True):
        starts.append(starts[-1] + before + space)
    return starts[:-1]


def _centres(before: dict[int, float], after: dict[int, float]) -> dict[int, float]:
    centres, free = {}, 2.0
    for lane in sorted(before):
        centres[lane] = free + before[lane]
        free = centres[lane] + after[lane]
    return centres
