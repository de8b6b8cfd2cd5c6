"""Hypothesis strategies for graphs: `cases()` draws edge lists with an oracle, `graphs()` draws `Graph`s."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import networkx as nx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from lessons import Graph, as_graph

# The same examples on every machine and in every run: a course must not fail one learner in a thousand.
settings.register_profile(
    "lessons", deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lessons")

QUARTERS = st.integers(-12, 12).map(lambda quarters: quarters / 4)  # their sums are exact in any order
MERGE = {"sum": lambda old, new: old + new, "min": min, "max": max}


@dataclass(frozen=True)
class Case:
    """A graph in plain Python: labels, edges in the order given, and their weights, or None."""

    nodes: list[Hashable]
    directed: bool
    edges: list[tuple[Hashable, Hashable]]
    weights: list[float] | None

    def triples(self) -> list[tuple]:
        """The edges as `as_graph` reads them: (u, v), or (u, v, weight)."""
        if self.weights is None:
            return list(self.edges)
        return [(u, v, weight) for (u, v), weight in zip(self.edges, self.weights, strict=True)]

    def merged(self, parallel: str = "sum") -> dict[tuple[Hashable, Hashable], float]:
        """The oracle: {(u, v): weight}; of an undirected edge, the end that comes first in `nodes` is u."""
        row = {label: i for i, label in enumerate(self.nodes)}
        answer: dict[tuple[Hashable, Hashable], float] = {}
        for (u, v), weight in zip(self.edges, self.weights or [1.0] * len(self.edges), strict=True):
            edge = (u, v) if self.directed or row[u] <= row[v] else (v, u)
            answer[edge] = MERGE[parallel](answer[edge], weight) if edge in answer else weight
        return answer

    def to_networkx(self, multigraph: bool = False) -> nx.Graph:
        """A networkx graph of the kind that fits; where it is no multigraph, the last parallel edge stays."""
        kinds = {
            (False, False): nx.Graph,
            (True, False): nx.DiGraph,
            (False, True): nx.MultiGraph,
            (True, True): nx.MultiDiGraph,
        }
        graph = kinds[self.directed, multigraph]()
        graph.add_nodes_from(self.nodes)
        for edge, weight in zip(self.edges, self.weights or [None] * len(self.edges), strict=True):
            graph.add_edge(*edge, **({} if weight is None else {"weight": weight}))
        return graph


def labels(max_nodes: int = 7) -> st.SearchStrategy[list[Hashable]]:
    """Lists of distinct labels: 0 ... n - 1, shuffled integers, text, tuples, kinds that cannot be sorted."""
    numbers, text = st.integers(-5, 2**40), st.text(max_size=3)
    mixed = st.one_of(numbers, text, st.tuples(text, numbers), st.frozensets(numbers, max_size=2))
    return st.one_of(
        st.integers(0, max_nodes).map(lambda n: list(range(n))),
        st.integers(0, max_nodes).flatmap(lambda n: st.permutations(range(n))),
        *(
            st.lists(kind, max_size=max_nodes, unique=True)
            for kind in (numbers, text, st.tuples(st.integers(0, 2), text), mixed)
        ),
    )


@st.composite
def cases(
    draw: st.DrawFn,
    directed: bool | None = None,
    weighted: bool | None = None,
    loops: bool = True,
    max_nodes: int = 7,
    weight: st.SearchStrategy[float] = QUARTERS,
) -> Case:
    """Small graphs with parallel edges and, unless told, self-loops; None draws both kinds."""
    nodes = draw(labels(max_nodes))
    choices = [(u, v) for u in nodes for v in nodes if loops or u != v]
    edges = draw(st.lists(st.sampled_from(choices), max_size=3 * max_nodes)) if choices else []
    with_weights = draw(st.booleans()) if weighted is None else weighted
    size = len(edges)
    drawn = draw(st.lists(weight, min_size=size, max_size=size)) if with_weights else None
    return Case(nodes, draw(st.booleans()) if directed is None else directed, edges, drawn)


def graphs(
    directed: bool | None = None,
    weighted: bool | None = None,
    loops: bool = True,
    max_nodes: int = 7,
    weight: st.SearchStrategy[float] = QUARTERS,
) -> st.SearchStrategy[Graph]:
    """`Graph`s of the kinds that `cases` draws; of parallel edges the heaviest is kept."""
    return cases(directed, weighted, loops, max_nodes, weight).map(
        lambda case: as_graph(case.triples(), nodes=case.nodes, directed=case.directed, parallel="max")
    )
