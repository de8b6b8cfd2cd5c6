"""The exercises of notebook 01: shapes along a network, the costs of a convolution, shared weights, dead nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Exercise, Property, Variant, once

if TYPE_CHECKING:
    from numpy.random import Generator

Nodes = Sequence[tuple[str, str, list[str]]]  # (name, operator, what it reads): each gives a tensor of its name

# -------------------------------------------------------------------------------- 1: shapes are walked


def _begin_with_the_batch(shapes: Any) -> bool:
    return [len(shape) for shape in shapes] == [4, 4, 4, 2] and all(shape[0] == 1 for shape in shapes)


def _predicted(size: int = 28, first: int = 8, second: int = 16) -> Exercise:
    """Of an image of `size` cells a side, and so many filters in the first and in the second convolution."""
    one = size - 4  # cells a side after the first convolution,
    half = one // 2  # after the pooling,
    last = (half - 1) // 2 + 1  # and after the second convolution
    flat = second * last**2
    shapes = [(1, first, one, one), (1, first, half, half), (1, second, last, last), (1, flat)]

    def others(*places: int) -> list[tuple[int, ...]]:
        """The shapes for other places in a row."""
        a, b, c = places
        return [(1, first, a, a), (1, first, b, b), (1, second, c, c), (1, second * c * c)]

    return Exercise(
        id="computational_graphs-1",
        level="warm-up",
        form="predict",
        difficulty=1,
        importance=3,
        minutes=6,
        cases=once,
        properties=(
            Property(
                says=(
                    "the answer is four shapes that begin with the batch, 1: three of four lengths, the last of "
                    "two"
                ),
                holds=_begin_with_the_batch,
                hints=(
                    "Each node gives one tensor, so four nodes give four shapes; the image itself is not among "
                    "them.",
                    "Look at the first length: it is the batch, which no node takes away, not even Flatten.",
                    "It looks like [(1, a, b, b), (1, c, d, d), (1, e, f, f), (1, g)].",
                ),
            ),
            Property(
                says=(
                    "the second length is the number of maps: of filters after a convolution, unchanged by a "
                    "pooling"
                ),
                holds=lambda shapes: [shape[1] for shape in shapes[:3]] == [first, first, second],
                hints=(
                    "A filter reads all maps that come in, and gives one map.",
                    "Look at the second place of each shape, and forget the three colours after the first node.",
                    "As many filters, as many maps come out; a pooling treats each map by itself.",
                ),
            ),
            Property(
                says="height and width are those of the places where a kernel stops",
                holds=lambda found: [tuple(shape) for shape in found[:3]] == shapes[:3],
                hints=(
                    "Count where a kernel can stop: the padding lies on both sides, and a place that does not fit "
                    "whole is no place.",
                    f"Look at the last convolution: {half} + 2 + 2 cells, a kernel of 5, steps of 2. And at the "
                    "first: without padding it shrinks the image.",
                    "Places = (cells with both paddings - kernel) // stride + 1, rounded down; a pooling of 2 "
                    "with steps of 2 halves.",
                ),
            ),
            Property(
                says="Flatten keeps the batch and puts everything else into one length",
                holds=lambda found: tuple(found[3]) == shapes[3],
                hints=(
                    "No number gets lost: the flat tensor has as many as the maps before it.",
                    "Look at the shape before: maps times height times width.",
                    "The last shape is (1, g), where g is the product of the three lengths before it.",
                ),
            ),
        ),
        reference=shapes,
        wrong=(
            others(one, half, (half - 3) // 2 + 1),  # padding counted once
            others(one, half, (half - 5) // 2 + 1),  # padding forgotten
            others(one, half, half // 2 + 1),  # rounded up
            others(one - 1, half - 1, last - 1),  # the first place not counted
            others(size, size // 2, size // 4),  # a convolution keeps the size: not without padding
            [  # one map for each pair of maps
                (1, 3 * first, one, one),
                (1, 3 * first, half, half),
                (1, 3 * first * second, last, last),
                (1, 3 * first * flat),
            ],
            [(1, 3, one, one), (1, 3, half, half), (1, 3, last, last), (1, 3 * last**2)],  # the colours stay
            [*shapes[:3], (flat,)],  # the batch is flattened away
            [*shapes[:3], (1, second * last)],  # one side forgotten
            [(1, 3, size, size), *shapes],  # with the image
            [shape[1:] for shape in shapes],  # without the batch
            [*((maps, 1, *rest) for _, maps, *rest in shapes[:3]), shapes[3]],  # maps before the batch
        ),
        why=(
            f"5 cells in a row hold one place of a kernel of 5, and each further cell one more: {size} - 5 + 1 = "
            f"{one}. The pooling halves to {half}. With 2 cells of padding on both sides there are {half + 4}; "
            f"from the first place, ({half + 4} - 5) // 2 = {last - 1} further steps of 2 fit, {last} places. "
            f"Flatten makes {second} * {last} * {last} = {flat}."
        ),
        after="Needed again: 02 adds up the bytes of such tensors to find the peak memory of an order.",
        varied=_other_shapes,
    )


def _told(size: int, first: int, second: int) -> list[str]:
    """What the statement says of them."""
    image = f"An image of shape (1, 3, {size}, {size})"
    return [image, f"a convolution with {first} filters", f"a convolution with {second} filters"]


def _other_shapes(rng: Generator) -> Variant:
    size, first, second = int(4 * rng.integers(8, 13)), int(rng.integers(4, 8)), int(rng.integers(9, 16))
    return Variant(
        _predicted(size, first, second),
        dict(zip(_told(28, 8, 16), _told(size, first, second), strict=True)),
    )


PREDICT = _predicted()

# -------------------------------------------------------------------------------- 2: a convolution is counted


def _conv_cases(rng: Generator) -> Iterator[tuple[int, ...]]:
    """(channels, size, filters, kernel, stride, padding); the plainest first, then at random, smallest first."""
    yield 1, 1, 1, 1, 1, 0
    yield 1, 3, 1, 2, 1, 0
    drawn = []
    for _ in range(60):
        kernel, stride, padding = (int(rng.integers(*ends)) for ends in ((1, 6), (1, 4), (0, 3)))
        channels, filters, more = (int(rng.integers(*ends)) for ends in ((1, 9), (1, 9), (0, 12)))
        drawn.append((channels, kernel + more, filters, kernel, stride, padding))
    yield from sorted(drawn, key=lambda case: (case[1], case[0] * case[2]))


def conv_counts(
    channels: int, size: int, filters: int, kernel: int, stride: int, padding: int
) -> tuple[int, int, int]:
    places = (size + 2 * padding - kernel) // stride + 1
    reads = channels * kernel**2
    return places, filters * (reads + 1), filters * places**2 * reads


def _by_walking(size: int, kernel: int, stride: int, padding: int) -> int:
    """The number of places in a row, by going there."""
    return len(range(-padding, size + padding - kernel + 1, stride))


def _parameters(channels: int, filters: int, kernel: int) -> int:
    return sum(np.ones((channels, kernel, kernel), int).size + 1 for _ in range(filters))


def _right_place(
    found: Any, channels: int, size: int, filters: int, kernel: int, stride: int, padding: int
) -> bool:
    return bool(found[0] == _by_walking(size, kernel, stride, padding))


def _right_parameters(found: Any, channels: int, size: int, filters: int, kernel: int, *_: int) -> bool:
    return bool(found[1] == _parameters(channels, filters, kernel))


def _right_products(
    found: Any, channels: int, size: int, filters: int, kernel: int, stride: int, pad: int
) -> bool:
    return bool(found[2] == filters * _by_walking(size, kernel, stride, pad) ** 2 * channels * kernel * kernel)


def _padding_once(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places = (size + padding - kernel) // stride + 1
    return places, filters * (channels * kernel**2 + 1), filters * places**2 * channels * kernel**2


def _rounded_up(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places = -(-(size + 2 * padding - kernel) // stride) + 1
    return places, filters * (channels * kernel**2 + 1), filters * places**2 * channels * kernel**2


def _first_place_forgotten(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places = (size + 2 * padding - kernel) // stride
    return places, filters * (channels * kernel**2 + 1), filters * places**2 * channels * kernel**2


def _not_whole(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places = (size + 2 * padding - kernel) / stride + 1
    return places, filters * (channels * kernel**2 + 1), filters * places**2 * channels * kernel**2


def _without_bias(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places, _, products = conv_counts(channels, size, filters, kernel, stride, padding)
    return places, filters * channels * kernel**2, products


def _one_bias(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places, _, products = conv_counts(channels, size, filters, kernel, stride, padding)
    return places, filters * channels * kernel**2 + 1, products


def _one_map(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places = conv_counts(channels, size, filters, kernel, stride, padding)[0]
    return places, filters * (kernel**2 + 1), filters * places**2 * kernel**2


def _at_every_pixel(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places, learnt, _ = conv_counts(channels, size, filters, kernel, stride, padding)
    return places, learnt, filters * size**2 * channels * kernel**2


def _one_row(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places, learnt, _ = conv_counts(channels, size, filters, kernel, stride, padding)
    return places, learnt, filters * places * channels * kernel**2


def _bias_multiplied(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    places, learnt, _ = conv_counts(channels, size, filters, kernel, stride, padding)
    return places, learnt, learnt * places**2


def _two_numbers(channels: Any, size: Any, filters: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    return conv_counts(channels, size, filters, kernel, stride, padding)[1:]


def _draw_conv(channels: int, size: int, filters: int, kernel: int, stride: int, padding: int) -> tuple[Any, str]:
    from lessons.show.computational_graphs import draw_convolution

    return draw_convolution(kernel, stride, padding, size)


COUNT = Exercise(
    id="computational_graphs-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=10,
    cases=_conv_cases,
    properties=(
        Property(
            says="the answer is three whole numbers: places in a row, parameters, multiply-adds",
            holds=lambda found, *_: len(found) == 3 and all(number == int(number) for number in found),
            hints=(
                "Three counts, in that order; what is counted is whole.",
                "Look at your division: `/` gives fractions, and half a place is none.",
                "Return a tuple of three, and divide by the stride with `//`.",
            ),
        ),
        Property(
            says="the first is the number of places in a row where the kernel stops",
            holds=_right_place,
            hints=(
                "The picture shows the places as dots: count one row of them.",
                "Look at both ends of the row: padding lies left and right, and the first place counts too.",
                "There are size + 2 * padding cells. How many steps of a stride fit behind the first place?",
            ),
        ),
        Property(
            says="the second is the number of parameters: all filters, each with its bias",
            holds=_right_parameters,
            hints=(
                "What one filter has to learn, times the number of filters.",
                "Look at one filter: it reads every channel, and adds one number of its own at the end.",
                "A filter has channels * kernel * kernel weights, and one more.",
            ),
        ),
        Property(
            says="the third is the number of multiply-adds: products of each filter, at each place",
            holds=_right_products,
            hints=(
                "What one filter multiplies at one place, times the places, times the filters.",
                "Look at the places: they are those of the result, in rows and columns. A bias is only added.",
                "One place of one filter takes channels * kernel * kernel products; the result has "
                "places * places of them.",
            ),
        ),
    ),
    reference=conv_counts,
    wrong=(
        _padding_once,
        _rounded_up,
        _first_place_forgotten,
        _not_whole,
        _without_bias,
        _one_bias,
        _one_map,
        _at_every_pixel,
        _one_row,
        _bias_multiplied,
        _two_numbers,
    ),
    why=(
        "A filter is a small box of weights through all channels. Its parameters do not depend on the image; "
        "its multiply-adds do, for it works at each place of the result. That is why the parameters of a "
        "network lie where channels are many, and its work where images are large."
    ),
    draw=_draw_conv,
    after="Needed again: 02 schedules nodes by such counts, 05 balances them over devices.",
)

# -------------------------------------------------------------------------------- 3: spot the bug

SIZES = {"W": 9, "V": 9}  # what a model of this exercise may read besides x


def parameters_node_by_node(nodes: Nodes, sizes: dict[str, int]) -> int:
    """The number of parameters of a model, so it claims: what its nodes read, added up."""
    return sum(sizes.get(tensor, 0) for _, _, inputs in nodes for tensor in inputs)


def _is_model(nodes: Any) -> bool:
    """Whether each node reads what is there: x, a weight, or the result of a node before it."""
    there = {"x", *SIZES}
    for name, op, inputs in nodes:
        fits = isinstance(name, str) and isinstance(op, str) and not isinstance(inputs, str)
        if not fits or name in there or not set(inputs) <= there:
            return False
        there.add(name)
    return isinstance(nodes, list | tuple)


def _is_miscounted(nodes: Any) -> bool:
    read = {tensor for _, _, inputs in nodes for tensor in inputs}
    return parameters_node_by_node(nodes, SIZES) != sum(SIZES[weight] for weight in read & set(SIZES))


SPOT_THE_BUG = Exercise(
    id="computational_graphs-3",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=2,
    minutes=8,
    cases=once,
    properties=(
        Property(
            says="the answer is a list of nodes (name, operator, [inputs]) that read x, W, V or nodes before them",
            holds=_is_model,
            hints=(
                "A model is a list of nodes, also where it has one only; every name is given once.",
                "Look at what each node reads: x, W, V, or the name of a node further up.",
                'It looks like [("a", "MatMul", ["x", "W"]), ("b", "Relu", ["a"])].',
            ),
        ),
        Property(
            says="parameters_node_by_node counts more parameters than the model has",
            holds=_is_miscounted,
            hints=(
                "Ask what is added up: the weights of a model, or the times that somebody reads one?",
                "Look for a weight that is read more than once: on yours each is read once at most.",
                "Let two nodes multiply by the same W. How many numbers are there to learn?",
            ),
        ),
    ),
    reference=[("a", "MatMul", ["x", "W"]), ("b", "MatMul", ["a", "W"])],
    wrong=(
        [("a", "MatMul", ["x", "W"]), ("b", "MatMul", ["a", "V"])],  # of one size, but two weights
        [("a", "MatMul", ["x", "W"]), ("b", "Add", ["a", "a"])],  # a result read twice
        [("a", "MatMul", ["x", "W"]), ("b", "Relu", ["a"]), ("c", "Add", ["b", "x"])],  # a shortcut
        [("a", "Add", ["x", "x"])],  # an input read twice
        [],
        [("a", "MatMul", ["y", "W"]), ("b", "MatMul", ["a", "W"])],  # nothing gives y
        [("a", "MatMul", ["x", "W"]), ("a", "MatMul", ["a", "W"])],  # one name twice
        ("a", "MatMul", ["x", "W"]),  # a node, not a list of nodes
    ),
    why=(
        "Both products read the same nine numbers, and training would change them for both: there are nine to "
        "learn, not eighteen. Networks that use one layer several times, or one table of words for reading "
        "and for writing, share weights like this. So go over the weights that are read, each once; not over "
        "the reading."
    ),
    after="Needed again: 03 adds up the derivatives of a shared weight over all who read it.",
)

# -------------------------------------------------------------------------------- 4: what no output needs


def _random_models(rng: Generator) -> Iterator[tuple[list[tuple[str, str, list[str]]], list[str]]]:
    """Nodes in any order, with weights, tensors read twice and nodes that lead nowhere; fewest nodes first."""
    yield [("a", "Relu", ["x"])], ["a"]
    yield [("a", "Relu", ["x"]), ("b", "Relu", ["x"])], ["b"]
    for size in range(2, 12):
        for _ in range(5):
            names = [chr(ord("a") + k) for k in range(size)]
            nodes = [_random_node(rng, k, names) for k in range(size)]
            outputs = sorted(rng.permutation(names)[: 1 + size // 6].tolist())
            yield [nodes[k] for k in rng.permutation(size)], outputs


def _random_node(rng: Generator, k: int, names: list[str]) -> tuple[str, str, list[str]]:
    """A node that reads one or two tensors before it, and sometimes a weight."""
    before = ["x", *names[:k]]
    inputs = [before[int(j)] for j in rng.integers(0, len(before), 1 + int(rng.integers(0, 2)))]
    if rng.random() < 0.4:
        inputs.append(f"W{names[k]}")
    return names[k], "Sum", inputs


def needed(nodes: Nodes, outputs: list[str]) -> list[str]:
    reads = {name: inputs for name, _, inputs in nodes}
    found, waiting = set(), list(outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor in reads and tensor not in found:
            found.add(tensor)
            waiting += reads[tensor]
    return [name for name, _, _ in nodes if name in found]


def _closure(nodes: Nodes, outputs: list[str]) -> set[str]:
    """What outputs need, by going over all nodes until nothing is added."""
    names, found = {name for name, _, _ in nodes}, set(outputs)
    for _ in nodes:
        found |= {tensor for name, _, inputs in nodes if name in found for tensor in inputs if tensor in names}
    return found


def _is_in_order(found: Any, nodes: Nodes, outputs: list[str]) -> bool:
    places = [[name for name, _, _ in nodes].index(name) for name in found]
    return places == sorted(set(places))


def _outputs_only(nodes: Any, outputs: Any) -> Any:
    return [name for name, _, _ in nodes if name in outputs]


def _one_step_back(nodes: Any, outputs: Any) -> Any:
    near = {tensor for name, _, inputs in nodes if name in outputs for tensor in inputs} | set(outputs)
    return [name for name, _, _ in nodes if name in near]


def _one_walk_down(nodes: Any, outputs: Any) -> Any:
    found = set(outputs)
    for name, _, inputs in nodes:
        if name in found:
            found |= set(inputs)
    return [name for name, _, _ in nodes if name in found]


def _one_walk_up(nodes: Any, outputs: Any) -> Any:
    return _one_walk_down(nodes[::-1], outputs)[::-1]


def _read_by_anyone(nodes: Any, outputs: Any) -> Any:
    read = {tensor for _, _, inputs in nodes for tensor in inputs} | set(outputs)
    return [name for name, _, _ in nodes if name in read]


def _everything(nodes: Any, outputs: Any) -> Any:
    return [name for name, _, _ in nodes]


def _without_the_outputs(nodes: Any, outputs: Any) -> Any:
    return [name for name in needed(nodes, outputs) if name not in outputs]


def _as_they_were_found(nodes: Any, outputs: Any) -> Any:
    reads = {name: inputs for name, _, inputs in nodes}
    found = list(outputs)
    for tensor in found:
        found += [other for other in reads[tensor] if other in reads and other not in found]
    return found


def _weights_too(nodes: Any, outputs: Any) -> Any:
    kept = needed(nodes, outputs)
    return kept + [tensor for name, _, inputs in nodes if name in kept for tensor in inputs if tensor not in kept]


def _draw_nodes(nodes: Nodes, outputs: list[str]) -> tuple[Any, str]:
    from lessons.model import ComputationalGraph
    from lessons.show.model import draw_model

    model = ComputationalGraph()
    model.input("x", (1,))
    for name, op, inputs in nodes:
        for weight in (tensor for tensor in inputs if tensor.startswith("W")):
            model.weight(weight, shape=(1,))
        model.add(op, *inputs, name=name)
    model.output(*outputs)
    return draw_model(model)


NEEDED = Exercise(
    id="computational_graphs-4",
    level="stretch",
    form="implement",
    difficulty=2,
    importance=2,
    minutes=10,
    cases=_random_models,
    properties=(
        Property(
            says="the answer is a list of names of nodes, each once, in the order in which the nodes are given",
            holds=_is_in_order,
            hints=(
                "Only nodes are asked for, not x and not weights; their order stays what it was.",
                "Look at what you return: a set has no order, and the way in which you found them is another one.",
                "Collect the names in a set, and at the end walk over the nodes once more to put them in order.",
            ),
        ),
        Property(
            says="the outputs are needed, and so is each node that a needed node reads",
            holds=lambda found, nodes, outputs: set(found) >= _closure(nodes, outputs),
            hints=(
                "Need is passed on: who gives something to a needed node is needed as well.",
                "Look at nodes in an odd place of the list: they come in any order, so one walk is too few.",
                "Keep a list of tensors still to look up; take one, and put what its node reads on the list.",
            ),
        ),
        Property(
            says="no other node is kept",
            holds=lambda found, nodes, outputs: set(found) <= _closure(nodes, outputs),
            hints=(
                "That somebody reads a node is not enough: the reader may be dead itself.",
                "Look at a node whose only reader leads nowhere.",
                "Begin at the outputs and go backwards, instead of asking each node whether it is read.",
            ),
        ),
    ),
    reference=needed,
    wrong=(
        _outputs_only,
        _one_step_back,
        _one_walk_down,
        _one_walk_up,
        _read_by_anyone,
        _everything,
        _without_the_outputs,
        _as_they_were_found,
        _weights_too,
    ),
    why=(
        "Backwards from the outputs, every tensor is looked up once: O(nodes + ports). The set of what was "
        "found keeps a tensor that is read twice from being followed twice; without it, a chain of "
        "Add(h, h) would be walked along all of its 2 ** depth ways."
    ),
    draw=_draw_nodes,
    after="Needed again: 02 orders only what is needed, 03 walks backwards along the same edges.",
)

EXERCISES = (PREDICT, COUNT, SPOT_THE_BUG, NEEDED)
