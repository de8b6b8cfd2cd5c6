"""The tape: what was computed from what, read backwards by Kahn's sort.

A node of the tape, a `Value` or a `Tensor`, holds `_edges`: one pair (input, how its gradient follows) for each
input that it was computed from, in the order of its ports; none for a leaf. So an edge of the tape points from a
result to an input, and a walk against the computation is a walk along the edges.

    waits_for(loss)             # how many gradients each node of the tape waits for: Kahn's in-degrees
    tape(loss)                  # its nodes in the order in which they can be computed, inputs first
    tape_graph(loss)            # the same as a `Graph`, for every graph function of the course
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from lessons.errors import TapeError
from lessons.graph import Graph, as_graph


def waits_for(output: Any) -> dict[Any, int]:
    """How many edges of the tape lead to each node: {node: count}, 0 for the output, whose gradient is given.

    These are the in-degrees of Kahn's sort on the tape: the gradient of a node is complete when it has received
    this many parts. `Add(x, x)` counts twice for x. O(n + m) for n nodes and m edges, without recursion.

    Raises TapeError where a part of the tape was freed by an earlier `backward`.

    >>> from lessons.backpropagation import Value
    >>> x = Value(3.0)
    >>> list(waits_for(x * x).values())
    [0, 2]
    """
    counts = {output: 0}
    stack = [output]
    while stack:
        edges = stack.pop()._edges
        if edges is None:
            raise TapeError(
                "a part of this tape is freed: backward has walked it, to its end or to an error on the way. "
                "Compute the result again, or keep the tape with backward(retain_graph=True)"
            )
        for node, _ in edges:
            if node in counts:
                counts[node] += 1
            else:
                counts[node] = 1
                stack.append(node)
    return counts


def tape(output: Any) -> list[Any]:
    """The nodes that `output` was computed from, and itself last: each comes after its inputs. O(n + m).

    Kahn's sort from the output along the edges, reversed: `backward` of a Tensor goes through them from the end.

    >>> from lessons.backpropagation import Value
    >>> a = Value(2.0, name="a")
    >>> b = a + a
    >>> [node.op or node.name for node in tape(b * a)]
    ['a', 'add', 'mul']
    """
    counts = waits_for(output)
    ready, order = [output], []
    while ready:
        node = ready.pop()
        order.append(node)
        for source, _ in node._edges:
            counts[source] -= 1
            if counts[source] == 0:
                ready.append(source)
    return order[::-1]


def tape_graph(output: Any) -> Graph:
    """The tape as a directed `Graph` in the direction of the computation: an edge from each input to each result.

    Labels are names where they are given and unique, else what was done and a number: "mul 3". An input on two
    ports of one node is one edge of weight 2. `as_graph(output)` gives the same. O(n + m).

    >>> from lessons.backpropagation import Value
    >>> x = Value(3.0, name="x")
    >>> tape_graph(x * x + 1.0).nodes
    ('x', 'mul 1', 'add 2')

    Notebook: 03_backpropagation.
    """
    nodes = tape(output)
    labels = tape_labels(nodes)
    edges = [(labels[source], labels[node], 1.0) for node in nodes for source, _ in node._edges]
    return as_graph(edges, nodes=[labels[node] for node in nodes], directed=True)


def tape_labels(nodes: list[Any]) -> dict[Any, str]:
    """A label for each node of a tape: its name, or what was done and its place on the tape, from 0.

    >>> from lessons.backpropagation import Value
    >>> list(tape_labels(tape(Value(1.0) + Value(2.0, name="b"))).values())
    ['leaf 0', 'b', 'add 2']
    """
    numbered = [f"{node.name or node.op or 'leaf'} {place}" for place, node in enumerate(nodes)]
    taken = Counter([*(node.name for node in nodes), *numbered])
    return {
        node: node.name if node.name and taken[node.name] == 1 else label
        for node, label in zip(nodes, numbered, strict=True)
    }
