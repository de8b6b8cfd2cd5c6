"""Split a model between a phone, where its inputs are, and a server, by a minimum cut.

    found = least_bytes_cut(model, on_server=["classifier"])     # what is sent is least
    found.phone, found.server, found.sent
    offload(model, phone_speed=1e10, server_speed=1e13, bandwidth=1e6)      # the time to the answer is least
    positions(model, phone_speed=1e10, server_speed=1e13, bandwidth=1e6)    # that of each cut of an order

Speeds are multiply-adds a second, the bandwidth is bytes a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lessons._checks import above_zero, whole
from lessons.computational_graphs import TensorRead, multiply_adds, not_counted, tensors_read
from lessons.errors import InfeasibleError, UnknownLabel
from lessons.flow_networks import max_flow
from lessons.graph import Graph, as_graph
from lessons.model import ComputationalGraph
from lessons.topological_sort import topological_sort

EXACT = 2**52  # whole numbers that sum to this are exact as floats

Unit = Literal["bytes", "seconds"]
Shares = tuple[Fraction, Fraction, Fraction]


@dataclass(frozen=True, eq=False)
class Split:
    """A model on two machines, what that costs, and the flow that proves that no split costs less.

    `phone` and `server` are the labels of the nodes, in the order of the model; `sent` the bytes of each tensor
    that goes from the phone to the server. `shares` are what the phone's work, sending and the server's work cost,
    in the `unit` said; `flow` is the value of a maximum flow, which every split costs at least. `nodes_left_out`
    have unknown work, `tensors_left_out` unknown bytes: both count as 0.
    """

    phone: list[str]
    server: list[str]
    sent: dict[str, int]
    unit: Unit
    shares: tuple[float, float, float]
    flow: float
    nodes_left_out: int = 0
    tensors_left_out: int = 0

    @property
    def bytes(self) -> int:
        """All that is sent."""
        return sum(self.sent.values())

    @property
    def cost(self) -> float:
        """The sum of the `shares`."""
        return math.fsum(self.shares)

    def __str__(self) -> str:
        seconds = " in {:.4g} s = {:.4g} on the phone + {:.4g} sending + {:.4g} on the server; none is quicker"
        proof = "; no split sends fewer" if self.unit == "bytes" else seconds.format(self.cost, *self.shares)
        left_out = not_counted(self.nodes_left_out, self.tensors_left_out)
        return (
            f"{len(self.phone)} nodes on the phone, {len(self.server)} on the server, {self.bytes:,} bytes sent"
            f"{proof}{left_out}"
        )


# ---------------------------------------------------------------------------------------- the best splits


def least_bytes_cut(
    model: ComputationalGraph,
    *,
    on_phone: Iterable[str] = (),
    on_server: Iterable[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> Split:
    """The split that sends the fewest bytes, with the nodes `on_phone` and `on_server` where they are told to be.

    The inputs of the model are on the phone, and nothing comes back from the server: with a node, all that it
    needs is on the phone. Each tensor that is given or computed on the phone and read on the server is sent once,
    in bytes of its type, whoever reads it. Weights lie where they are read, and are not sent; nor is the answer.
    `sizes` tells the bytes of tensors that are not sent as they lie in memory, such as a photograph. Where nothing
    is told to be on the server, nothing is sent.

    Of equally good splits the one with the fewest nodes on the phone. Cost: one `max_flow` with a node for each
    node and each tensor.

    Raises InfeasibleError where a node on the phone needs one on the server; UnknownLabel; ValueError for a node
    that reads what nothing gives; CycleError; TypeError for what is no model.

    >>> from lessons.architectures import resnet50
    >>> found = least_bytes_cut(resnet50(), on_server=["classifier"])
    >>> print(found)
    173 nodes on the phone, 2 on the server, 8,192 bytes sent; no split sends fewer
    >>> found.sent, found.flow == found.cost
    ({'head.pool': 8192}, True)

    Notebook: 06_centrality_and_flow. The network is that of `offload`, without work.
    """
    network = _Network(model, sizes)
    free = [Fraction(0)] * network.graph.n
    sending = [Fraction(size) for size in network.bytes]
    return network.split(_Costs(free, sending, free), "bytes", on_phone, on_server)


def offload(
    model: ComputationalGraph,
    *,
    phone_speed: float,
    server_speed: float,
    bandwidth: float,
    on_phone: Iterable[str] = (),
    on_server: Iterable[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> Split:
    """The split with the least time from the inputs to the answer: phone, then sending, then server.

    A node takes its `multiply_adds` / speed, a tensor its bytes / `bandwidth`; the times add up, as of machines
    that wait for each other. What may be where, and what is sent, is as in `least_bytes_cut`. The way back is not
    counted, nor the delay until a first byte arrives: where they matter, hold what they come to against the time
    of everything on the phone.

    In the network flow runs from the phone to the server. An arc from the phone to a node is cut if the node is on
    the server, and carries its time there; one from the node to the server, its time on the phone. A node gives to
    an auxiliary node for each tensor, by an arc of the time to send it, and this to each reader by an arc that
    cannot be cut: so it is sent once. An arc that cannot be cut leads back from each reader, too. Times are
    rounded to ticks, finer than 10^-11 of what the better end (all that may be on one side) takes where arcs are
    up to 10,000: so flow and cost are whole numbers, and agree to the last bit.

    Raises what `least_bytes_cut` does, and ValueError for speeds or a bandwidth that are not above 0 and finite.

    >>> from lessons.architectures import mlp
    >>> model = mlp([784, 32, 4096, 10])                            # a neck of 32 numbers behind the first layer
    >>> speeds = dict(phone_speed=1e6, server_speed=1e9)
    >>> print(offload(model, bandwidth=1e4, **speeds))
    1 nodes on the phone, 4 on the server, 128 bytes sent in 0.03806 s = 0.02509 on the phone + 0.0128 sending \
+ 0.000172 on the server; none is quicker
    >>> [offload(model, bandwidth=bandwidth, **speeds).sent for bandwidth in (1e2, 1e4, 1e6)]
    [{}, {'layer1': 128}, {'x': 3136}]

    Notebook: 06_centrality_and_flow. References: C. Hu, W. Bao, D. Wang, F. Liu, Dynamic adaptive DNN surgery for
    inference acceleration on the edge, INFOCOM 2019, doi:10.1109/INFOCOM.2019.8737614 (the minimum cut); Y. Kang
    et al., Neurosurgeon: collaborative intelligence between the cloud and mobile edge, ASPLOS 2017,
    doi:10.1145/3037697.3037698 (chains, each position tried).
    """
    network = _Network(model, sizes)
    costs = network.seconds(phone_speed, server_speed, bandwidth)
    return network.split(costs, "seconds", on_phone, on_server)


def positions(
    model: ComputationalGraph,
    *,
    phone_speed: float,
    server_speed: float,
    bandwidth: float,
    sizes: Mapping[str, int] | None = None,
) -> NDArray[np.float64]:
    """(n + 1, 3) seconds on the phone, sending, and on the server, if the phone stops after k nodes, k = 0 ... n.

    The nodes are taken in the order of `topological_sort(model)`. In a chain these are all the splits there are;
    elsewhere `offload` may find a better one, that no such order passes through. Times are as in `offload`, which
    tells what is raised. O(size of the model), and sorting.

    >>> from lessons.architectures import mlp
    >>> positions(mlp([100, 1000, 10]), phone_speed=1e6, server_speed=1e8, bandwidth=1e5).tolist()
    [[0.0, 0.004, 0.0011], [0.1, 0.04, 0.0001], [0.1, 0.04, 0.0001], [0.11, 0.0, 0.0]]

    Notebook: 06_centrality_and_flow.
    """
    network = _Network(model, sizes)
    costs = network.seconds(phone_speed, server_speed, bandwidth)
    n, order = network.graph.n, [network.graph.index(label) for label in network.order]
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    seconds = np.zeros((n + 1, 3))
    seconds[1:, 0] = np.cumsum([float(costs.phone[row]) for row in order])
    seconds[:n, 2] = np.cumsum([float(costs.server[row]) for row in reversed(order)])[::-1]
    for tensor, cost in zip(network.tensors, costs.sending, strict=True):
        there = 0 if tensor.maker is None else place[tensor.maker] + 1
        seconds[there : place[tensor.readers].max() + 1, 1] += float(cost)
    return seconds


# ---------------------------------------------------------------------------------------- the network


class _Costs(NamedTuple):
    """What each node costs on the phone, each tensor if it is sent, and each node on the server."""

    phone: list[Fraction]
    sending: list[Fraction]
    server: list[Fraction]

    def in_ticks(self, tick: Fraction) -> _Costs:
        return _Costs(*([Fraction(round(cost / tick)) for cost in costs] for costs in self))


class _Network:
    """A model as its minimum cut sees it: which nodes need which, and which tensors flow. Rows as in its nodes."""

    def __init__(self, model: ComputationalGraph, sizes: Mapping[str, int] | None) -> None:
        self.tensors = tensors_read(model)
        self.graph = as_graph(model)
        self.order = topological_sort(self.graph)
        self.work = multiply_adds(model)
        known = _sizes(self.tensors, sizes)
        self.bytes = [size or 0 for size in known]
        self.tensors_left_out = known.count(None)

    def seconds(self, phone_speed: float, server_speed: float, bandwidth: float) -> _Costs:
        """Exact, of the numbers that were given."""
        phone = Fraction(above_zero("phone_speed", phone_speed))
        server = Fraction(above_zero("server_speed", server_speed))
        wire = Fraction(above_zero("bandwidth", bandwidth))
        work = [count or 0 for count in self.work]
        return _Costs([w / phone for w in work], [size / wire for size in self.bytes], [w / server for w in work])

    def split(self, costs: _Costs, unit: Unit, on_phone: Iterable[str], on_server: Iterable[str]) -> Split:
        """The cheapest split, by the minimum cut."""
        phone, server = self._rows(on_phone), self._rows(on_server)
        never = EXACT // (1 + 2 * self.graph.n + sum(1 + 2 * len(tensor.readers) for tensor in self.tensors))
        simple = min(sum(self._shares(costs, side), Fraction(0)) for side in self._ends(phone, server))
        tick = _tick(simple, costs, never)
        costs = costs.in_ticks(tick)
        start, end = self._machines()
        network = as_graph(list(self._arcs(costs, phone, server, never)), n=end + 1, directed=True)
        found = max_flow(network, start, end)
        side = set(np.flatnonzero(found.reached[: self.graph.n]).tolist())
        return self._told(side, unit, tick, self._shares(costs, side), found.value)

    def _machines(self) -> tuple[int, int]:
        """The rows of phone and server in the network, behind those of the nodes and of the tensors."""
        start = self.graph.n + len(self.tensors)
        return start, start + 1

    def _arcs(
        self, costs: _Costs, phone: set[int], server: set[int], never: int
    ) -> Iterator[tuple[int, int, int]]:
        """Who gives to whom, and how much at most; `never` where the arc cannot be cut."""
        start, end = self._machines()
        for row, (here, there) in enumerate(zip(costs.phone, costs.server, strict=True)):
            yield start, row, never if row in phone else min(int(there), never)
            yield row, end, never if row in server else min(int(here), never)
        for row, (tensor, cost) in enumerate(zip(self.tensors, costs.sending, strict=True), self.graph.n):
            yield start if tensor.maker is None else tensor.maker, row, min(int(cost), never)
            for reader in tensor.readers:
                yield row, reader, never
                if tensor.maker is not None:
                    yield reader, tensor.maker, never

    def _sent(self, phone: set[int]) -> list[int]:
        """Which tensors go from a phone with these nodes to the server."""
        return [
            k
            for k, tensor in enumerate(self.tensors)
            if (tensor.maker is None or tensor.maker in phone) and not phone.issuperset(tensor.readers)
        ]

    def _shares(self, costs: _Costs, phone: set[int]) -> Shares:
        """What the phone's work, sending and the server's work cost with these nodes on the phone."""
        return (
            sum((costs.phone[row] for row in phone), Fraction(0)),
            sum((costs.sending[k] for k in self._sent(phone)), Fraction(0)),
            sum((cost for row, cost in enumerate(costs.server) if row not in phone), Fraction(0)),
        )

    def _told(self, phone: set[int], unit: Unit, tick: Fraction, shares: Shares, flow: float) -> Split:
        nodes = self.graph.nodes
        return Split(
            phone=[label for row, label in enumerate(nodes) if row in phone],
            server=[label for row, label in enumerate(nodes) if row not in phone],
            sent={self.tensors[k].name: self.bytes[k] for k in self._sent(phone)},
            unit=unit,
            shares=(float(shares[0] * tick), float(shares[1] * tick), float(shares[2] * tick)),
            flow=float(Fraction(flow) * tick),
            nodes_left_out=0 if unit == "bytes" else self.work.count(None),
            tensors_left_out=self.tensors_left_out,
        )

    def _rows(self, labels: Iterable[str]) -> set[int]:
        return {self.graph.index(label) for label in ([labels] if isinstance(labels, str) else labels)}

    def _ends(self, phone: set[int], server: set[int]) -> tuple[set[int], set[int]]:
        """The fewest and the most nodes that the phone may have."""
        needed = _reached(self.graph.reverse, phone)
        if wrong := needed & server:
            u = min(wrong)
            v = min(_reached(self.graph, {u}) & phone)
            u, v = self.graph.nodes[u], self.graph.nodes[v]
            raise InfeasibleError(f"{v!r} is to be on the phone and needs {u!r} on the server: nothing comes back")
        return needed, set(range(self.graph.n)) - _reached(self.graph, server)


def _tick(simple: Fraction, costs: _Costs, never: int) -> Fraction:
    """The unit to count in, a power of two: no split that is as good as a simple one has `never` ticks or more.

    Where that one is free, the smallest cost there is stands for it.
    """
    scale = simple or min((cost for each in costs for cost in each if cost), default=Fraction(1))
    room = Fraction(never, 2) / scale
    return 1 / Fraction(2) ** (room.numerator.bit_length() - room.denominator.bit_length() - 1)


def _reached(graph: Graph, rows: set[int]) -> set[int]:
    """These rows, and all that paths from them lead to."""
    found, waiting = set(rows), list(rows)
    while waiting:
        u = waiting.pop()
        for v in graph.indices[graph.indptr[u] : graph.indptr[u + 1]].tolist():
            if v not in found:
                found.add(v)
                waiting.append(v)
    return found


def _sizes(tensors: list[TensorRead], told: Mapping[str, int] | None) -> list[int | None]:
    """The bytes of each tensor as it is sent."""
    told = {} if told is None else {name: whole(f"sizes[{name!r}]", size, 0) for name, size in told.items()}
    names = [tensor.name for tensor in tensors]
    for name in told:
        if name not in names:
            raise UnknownLabel(name, names, what="tensor that a node reads")
    return [told.get(tensor.name, tensor.bytes) for tensor in tensors]
