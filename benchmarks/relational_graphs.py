"""C and L of many graphs, WS-flex graphs, matched widths, and a network wired like a graph, beside others.

- `batch_measures` of graphs of 64 nodes, n and m being those of one graph. igraph starts from graphs of its own,
  made beforehand, and so does networkx; ours from a list of `Graph`, or from words where the case says so. "NumPy"
  is what it does where there are no kernels.
- WS-flex for k = 8 and p = 1/5, where it can stand beside Watts and Strogatz: each makes its own kind of graph.
  `ws_flex` makes one after the other, `ws_flex_words` all at once. igraph draws with Python's generator unless
  told otherwise; "own generator" is its compiled one, which takes no seed. It leads both ends of an edge
  elsewhere, each with chance p, and so more edges than the others; "copies a ring" is its quickest way to lead as
  many as they do. "plain Python" is ours before kernels are loaded, which small calls do not load by themselves.
- "sweep": C and L of graphs drawn from the 2.7 million settings of the published sweep, from nothing. The peer is
  igraph on graphs that the published rule makes in plain Python. The summary tells graphs in a second, and from
  that how long all would take: an estimate.
- `match_width` of the 52 published graphs for ResNet-50. The peer searches as was published, step by step, and
  counts weights by building masks in NumPy, each once for a graph.
- An epoch of `RelationalMLP` by SGD with momentum and decay, on random images. All start from the same weights;
  the first losses are compared with NumPy in float64. "numpy" is written out by hand, without a tape. PyTorch
  multiplies weights with their mask at each step, as was published, or ("peer masks gradients") masks gradients.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case, Row
from benchmarks.centrality_and_flow import fresh
from benchmarks.spectral_gcn import cross_entropy_of, quiet_torch
from lessons import Graph, as_graph
from lessons._device import compiled

N = 64  # nodes of each graph
K, P = 8, 0.2  # of the graphs that are drawn
ASKED = {  # of igraph's time, at most
    "batch_measures from Graphs": 0.010,
    "batch_measures from words": 0.010,
    "batch_measures NumPy from Graphs": 0.40,
    "batch_measures NumPy from words": 0.40,
    "ws_flex peer with its own generator": 0.06,
    "ws_flex peer copies a ring and leads as many edges elsewhere": 0.06,
    "ws_flex_words peer with its own generator": 0.06,
    "ws_flex_words peer copies a ring and leads as many edges elsewhere": 0.06,
}
FAMILY, SWEEP = "resnet50", 2_700_000
SPREAD = 6.0  # standard deviations by which the number of edges led elsewhere may be off
CLOSE, CHECKED = 1e-4, 3  # losses in float32 beside float64, and how many are compared
BATCH, CLASSES = 128, 10
RATE, MOMENTUM, DECAY, EPSILON = 0.1, 0.9, 5e-4, 1e-5

Array = NDArray[Any]
Words = NDArray[np.uint64]
Sample = tuple[Array, Array, Array]  # k, p and seed of each graph
Pairs = Callable[[int, int], int]  # how many weights a relational layer to n_out units from n_in has
Step = Callable[[Array, Array], Any]  # trains on a batch, and gives the loss before


def cases(scale: float) -> Iterator[Case]:
    for count, repeats in ((300, 31), (3_000, 9)):
        count, repeats = (count, repeats) if scale == 1 else (max(2, round(count * scale)), 1)
        yield from measures_cases(count, repeats)
        yield from flex_cases(count, repeats)
    count = max(2, round(3_000 * scale))
    yield sweep_case(count, 5 if scale == 1 else 1)
    yield width_case(max(1, round(52 * scale)), 3 if scale == 1 else 1)
    yield from epoch_cases(scale)


def counted(count: int) -> str:
    return f"{count} graphs"


# ---------------------------------------------------------------------------------------- C and L


def measures_cases(count: int, repeats: int) -> Iterator[Case]:
    case = partial(measures_case, count)
    listed, words = partial(our_measures, partial(graphs, count)), partial(our_measures, partial(drawn, count))
    igraph = {"igraph": partial(igraph_measures, count)}
    yield case("from Graphs", listed, igraph, repeats)
    yield case("from words", words, igraph, repeats)
    yield case("NumPy from Graphs", partial(in_numpy, listed), igraph, repeats)
    yield case("NumPy from words", partial(in_numpy, words), igraph, repeats)
    if count <= 300:
        yield case("from Graphs", listed, {"networkx": partial(networkx_measures, count)}, 1)


def measures_case(
    count: int, variant: str, ours: Callable[[], Call], peers: Mapping[str, Callable[[], Call]], repeats: int
) -> Case:
    return Case(
        input=counted(count),
        n=N,
        m=round(matrices(drawn(count)).sum() / 2 / count),
        function="batch_measures",
        variant=variant,
        ours=ours,
        peers=peers,
        right=partial(are_measures, partial(drawn, count)),
        repeats=repeats,
    )


@lru_cache(maxsize=2)
def drawn(count: int) -> Words:
    """Of k from 4 to 20, and p from 0 to 1, mostly small."""
    from lessons.random_graphs import ws_flex_words

    rng = np.random.default_rng(0)
    return ws_flex_words(N, rng.uniform(4, 20, count), rng.random(count) ** 2, np.arange(count))


@lru_cache(maxsize=2)
def graphs(count: int) -> list[Graph]:
    return [as_graph(np.argwhere(np.triu(A)), n=N) for A in matrices(drawn(count))]


def our_measures(given: Callable[[], Any]) -> Call:
    from lessons.graph_measures import batch_measures

    compiled("graph_measures", when=True)
    return partial(batch_measures, given())


def in_numpy(ready: Callable[[], Call]) -> Call:
    """The call where there are no kernels."""
    return without_kernels("graph_measures", ready())


def without_kernels(module: str, call: Call) -> Call:
    def uncompiled() -> Any:
        with patch(f"lessons.{module}.compiled", lambda room, *, when: None):
            return call()

    return uncompiled


def igraph_measures(count: int) -> Call:
    given = [in_igraph(A) for A in matrices(drawn(count))]
    return lambda: measures_by_igraph(given)


def in_igraph(A: Array) -> Any:
    import igraph

    return igraph.Graph(len(A), np.argwhere(np.triu(A)).tolist())


def measures_by_igraph(given: Iterable[Any]) -> tuple[list[float], list[float]]:
    each = [(g.transitivity_avglocal_undirected(mode="zero"), g.average_path_length()) for g in given]
    C, L = zip(*each, strict=True)
    return list(C), list(L)


def networkx_measures(count: int) -> Call:
    import networkx as nx

    given = [nx.from_numpy_array(A) for A in matrices(drawn(count))]
    return lambda: (
        [nx.average_clustering(graph) for graph in given],
        [nx.average_shortest_path_length(graph) for graph in given],
    )


def are_measures(words: Callable[[], Words], answer: Any) -> bool:
    """Whether C and L are those of products of matrices, to 1e-9."""
    return all(
        np.shape(found) == known.shape and np.allclose(found, known, rtol=0, atol=1e-9)
        for found, known in zip(answer, known_measures(words), strict=True)
    )


@lru_cache(maxsize=1)
def known_measures(words: Callable[[], Words]) -> tuple[Array, Array]:
    A = matrices(words()).astype(np.float32)
    d, triangles = (sums.sum(axis=2).astype(float) for sums in (A, (A @ A) * A))
    C = np.divide(triangles, d * (d - 1), out=np.zeros(d.shape), where=d > 1).mean(axis=1)
    return C, path_lengths(A)


def path_lengths(A: Array) -> Array:
    """L of each graph: pairs that `s` steps do not join are at least s + 1 apart."""
    joined = np.broadcast_to(np.eye(A.shape[1], dtype=np.float32), A.shape)
    step, total = A + joined, np.zeros(len(A))
    for _ in range(A.shape[1] - 1):
        total += (joined == 0).sum(axis=(1, 2))
        joined = (joined @ step > 0).astype(np.float32)
    whole = joined.all(axis=(1, 2))
    return np.where(whole, total / (A.shape[1] * (A.shape[1] - 1)), np.inf)


# ---------------------------------------------------------------------------------------- WS-flex


def flex_cases(count: int, repeats: int) -> Iterator[Case]:
    case = partial(flex_case, count)
    for name, ours in (("ws_flex", partial(our_graphs, count)), ("ws_flex_words", partial(our_words, count))):
        for variant, peer, kept in igraph_ways(count):
            yield case(name, variant, ours, {"igraph": peer}, kept, repeats)
        variant, peer, kept = next(igraph_ways(count))
        yield case(
            name, f"in plain Python {variant}", partial(in_plain_python, ours), {"igraph": peer}, kept, repeats
        )
        for connected in (False, True):
            variant = "connected peer" if connected else "peer connected or not"
            peer = partial(networkx_graphs, count, connected)
            yield case(name, variant, ours, {"networkx": peer}, 1 - P, max(1, repeats // 3))


def igraph_ways(count: int) -> Iterator[tuple[str, Callable[[], Call], float]]:
    """A variant, what igraph does there, and the share of edges that it leaves where they are."""
    yield "peer with its own generator", partial(igraph_graphs, count, own=True), (1 - P) ** 2
    yield "peer with the generator of Python", partial(igraph_graphs, count, own=False), (1 - P) ** 2
    yield "peer copies a ring and leads as many edges elsewhere", partial(igraph_copies, count), 1 - P


def flex_case(
    count: int,
    function: str,
    variant: str,
    ours: Callable[[], Call],
    peers: Mapping[str, Callable[[], Call]],
    kept: float,
    repeats: int,
) -> Case:
    return Case(
        input=counted(count),
        n=N,
        m=N * K // 2,
        function=function,
        variant=variant,
        ours=ours,
        peers=peers,
        right=partial(are_rewired, count, kept),
        repeats=repeats,
    )


def our_graphs(count: int) -> Call:
    from lessons.random_graphs import ws_flex

    compiled("random_graphs", when=True)
    return lambda: [ws_flex(N, K, P, seed) for seed in range(count)]


def our_words(count: int) -> Call:
    from lessons.random_graphs import ws_flex_words

    compiled("random_graphs", when=True)
    return lambda: ws_flex_words(N, K, P, np.arange(count))


def in_plain_python(ready: Callable[[], Call]) -> Call:
    return without_kernels("random_graphs", ready())


def igraph_graphs(count: int, own: bool) -> Call:
    import igraph

    def call() -> list[Any]:
        igraph.set_random_number_generator(None if own else random)
        return [igraph.Graph.Watts_Strogatz(1, N, K // 2, P) for _ in range(count)]

    return call


def igraph_copies(count: int) -> Call:
    import igraph

    ring = igraph.Graph.Lattice([N], nei=K // 2)

    def call() -> list[Any]:
        igraph.set_random_number_generator(None)
        found = [ring.copy() for _ in range(count)]
        for graph in found:
            graph.rewire_edges(1 - (1 - P) ** 0.5)
        return found

    return call


def networkx_graphs(count: int, connected: bool) -> Call:
    import networkx as nx

    maker = nx.connected_watts_strogatz_graph if connected else nx.watts_strogatz_graph
    return lambda: [maker(N, K, P, seed=seed) for seed in range(count)]


def are_rewired(count: int, kept: float, answer: Any) -> bool:
    """Whether ours are the published graphs, edge for edge; others simple, about `kept` on the ring.

    A few edges come to lie there again, where another has left. A few of igraph's thousands are not connected.
    """
    A = matrices(answer)
    if isinstance(answer, np.ndarray) or isinstance(answer[0], Graph):
        return np.array_equal(A, published(count))
    loops, edges = A.trace(axis1=1, axis2=2), A.sum(axis=(1, 2)) / 2
    if len(A) != count or loops.any() or (edges != N * K / 2).any():
        return False
    ahead = (np.arange(N) - np.arange(N)[:, None]) % N
    more = A[:, (ahead >= 1) & (ahead <= K // 2)].mean() - kept
    off = SPREAD * (kept * (1 - kept) / (count * N * K / 2)) ** 0.5
    return bool(-off <= more <= (1 - kept) * K / (N - 1) + off)


def matrices(answer: Any) -> NDArray[np.bool_]:
    """(graphs, n, n) of words, of graphs of whomever, or of the neighbours of each node."""
    if isinstance(answer, np.ndarray):
        bits = np.unpackbits(answer.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        return bits.reshape(*answer.shape, 64)[:, :, : answer.shape[1]].astype(np.bool_)
    A = np.zeros((len(answer), N, N), np.bool_)
    for one, graph in zip(A, answer, strict=True):
        edges = graph.get_edgelist() if hasattr(graph, "get_edgelist") else graph.edges()
        rows, columns = np.array(list(edges)).T
        one[rows, columns] = one[columns, rows] = True
    return A


@lru_cache(maxsize=2)
def published(count: int) -> NDArray[np.bool_]:
    every = np.full(count, K), np.full(count, P), np.arange(count)
    return np.array([[[v in row for v in range(N)] for row in near] for near in by_the_rule(every)])


def by_the_rule(sample: Sample) -> Iterator[list[set[int]]]:
    """The neighbours of each node in the first connected graph of each setting."""
    from lessons.random_graphs import ws_flex_definition

    for k, p, seed in zip(*(part.tolist() for part in sample), strict=True):
        generator = random.Random(seed)
        near = ws_flex_definition(N, k, p, generator)
        while not is_connected(near):
            near = ws_flex_definition(N, k, p, generator)
        yield near


def is_connected(near: Sequence[set[int]]) -> bool:
    seen = new = {0}
    while new:
        new = set().union(*(near[u] for u in new)) - seen
        seen = seen | new
    return len(seen) == len(near)


# ---------------------------------------------------------------------------------------- the sweep


def sweep_case(count: int, repeats: int) -> Case:
    return Case(
        input=counted(count),
        n=N,
        m=round(N * sample(count)[0].mean() / 2),
        function="sweep",
        variant="drawn from all settings",
        ours=partial(our_sweep, count),
        peers={"igraph": partial(igraph_sweep, count)},
        right=partial(are_measures, partial(sweep_words, count)),
        repeats=repeats,
    )


@lru_cache(maxsize=1)
def sample(count: int) -> Sample:
    """Some of all settings, at random."""
    from lessons.graph_selection import settings

    k, p, seed = settings()
    rows = np.random.default_rng(0).choice(len(k), count, replace=False)
    return k[rows], p[rows], seed[rows]


def our_sweep(count: int) -> Call:
    from lessons.graph_measures import batch_measures
    from lessons.random_graphs import ws_flex_words

    for room in ("random_graphs", "graph_measures"):
        compiled(room, when=True)
    return lambda: batch_measures(ws_flex_words(N, *sample(count)))


def igraph_sweep(count: int) -> Call:
    import igraph

    def call() -> tuple[list[float], list[float]]:
        drawn = by_the_rule(sample(count))
        return measures_by_igraph(igraph.Graph(N, pairs_of(near)) for near in drawn)

    return call


def pairs_of(near: Sequence[set[int]]) -> list[tuple[int, int]]:
    return [(u, v) for u, row in enumerate(near) for v in row if u < v]


@lru_cache(maxsize=1)
def sweep_words(count: int) -> Words:
    return np.array([[sum(1 << v for v in row) for row in near] for near in by_the_rule(sample(count))], np.uint64)


# ---------------------------------------------------------------------------------------- widths


def width_case(count: int, repeats: int) -> Case:
    return Case(
        input=counted(count),
        n=N,
        m=round(np.mean([graph.m for graph in chosen(count)])),
        function="match_width",
        variant=FAMILY,
        ours=partial(our_widths, count),
        peers={"numpy": partial(widths_by_masks, count)},
        right=partial(are_widths, count),
        repeats=repeats,
    )


@lru_cache(maxsize=1)
def chosen(count: int) -> list[Graph]:
    """The first of the 52 published graphs."""
    from lessons.datasets import published_graphs
    from lessons.random_graphs import ws_flex

    table = published_graphs(52)
    k, p, seed = (part[:count].tolist() for part in (table.k, table.p, table.seed))
    return [ws_flex(N, *each) for each in zip(k, p, seed, strict=True)]


def our_widths(count: int) -> Call:
    from lessons.relational_budgets import match_width

    return lambda: [match_width(fresh(graph), FAMILY) for graph in chosen(count)]


def widths_by_masks(count: int) -> Call:
    from lessons.relational_graphs import relational_mask

    def counter(graph: Graph) -> Pairs:
        return lru_cache(lambda n_out, n_in: int(relational_mask(graph, n_out, n_in).sum()))

    return lambda: [published_search(counter(fresh(graph))) for graph in chosen(count)]


def published_search(pairs: Pairs) -> tuple[int, ...]:
    """Nine steps by a factor, then unit by unit to the budget; then each later stage gives back what it can."""
    from lessons.relational_budgets import FAMILIES

    family = FAMILIES[FAMILY]
    cost, first = partial(multiply_adds, family, pairs), family.widths[0]
    for _ in range(9):
        first = round(first * round((family.budget / cost(family.scaled(first))) ** 0.5, 2))
    while cost(family.scaled(first)) < family.budget:
        first += 1
    while cost(family.scaled(first - 1)) >= family.budget:
        first -= 1
    widths = family.scaled(first)
    for stage in range(1, len(widths)):
        for _ in range(round(widths[stage] / first)):
            narrower = (*widths[:stage], widths[stage] - 1, *widths[stage + 1 :])
            widths = narrower if cost(narrower) >= family.budget else widths
    return widths


def multiply_adds(family: Any, pairs: Pairs, widths: tuple[int, ...]) -> int:
    return sum(
        (pairs(layer.n_out, layer.n_in) if layer.kind == "relational" else layer.n_in * layer.n_out)
        * layer.window**2
        * layer.positions
        for layer in family.layers(widths)
    )


def are_widths(count: int, answer: Sequence[tuple[int, ...]]) -> bool:
    return answer == known_widths(count)


@lru_cache(maxsize=1)
def known_widths(count: int) -> list[tuple[int, ...]]:
    """By the published search, where weights are counted without a mask."""
    from lessons.relational_graphs import node_sizes

    def counter(graph: Graph) -> Pairs:
        hears = graph.to_scipy().toarray().T + np.eye(N)
        return lambda n_out, n_in: int(node_sizes(n_out, N) @ hears @ node_sizes(n_in, N))

    return [published_search(counter(graph)) for graph in chosen(count)]


# ---------------------------------------------------------------------------------------- an epoch


@dataclass(frozen=True)
class Problem:
    """Images X (rows, n_in), their classes y, the masks of the layers before the last, and where all start.

    `start` holds W, gamma and beta of each layer before the last, then W and b of that. A mask of ones is None.
    """

    graph: Graph
    stem: int
    width: int
    X: NDArray[np.float32]
    y: NDArray[np.int64]
    masks: list[NDArray[np.bool_] | None]
    start: list[Array]

    def model(self) -> Any:
        from lessons.relational_graphs import RelationalMLP

        return RelationalMLP(self.graph, self.X.shape[1], self.width, CLASSES, stem=self.stem, seed=0)

    def batches(self) -> Iterator[slice]:
        return (slice(begin, begin + BATCH) for begin in range(0, len(self.X), BATCH))


def epoch_cases(scale: float) -> Iterator[Case]:
    sizes = ((1_792, 64, 64, 184, 15), (1_280, 3_072, 512, None, 5)) if scale == 1 else ((256, 64, 64, 64, 1),)
    for rows, n_in, stem, width, repeats in sizes:
        problem = partial(epoch_problem, rows, n_in, stem, width)
        by_hand = {"numpy": partial(ready, problem, by_numpy), "torch": partial(ready, problem, by_torch)}
        yield epoch_case(problem, "", by_hand, repeats)
        thinned = {"torch": partial(ready, problem, partial(by_torch, mask_gradients=True))}
        yield epoch_case(problem, " peer masks gradients", thinned, repeats)


def epoch_case(
    problem: Callable[[], Problem], variant: str, peers: Mapping[str, Callable[[], Call]], repeats: int
) -> Case:
    given = problem()
    n_in, batches = given.X.shape[1], len(list(given.batches()))
    return Case(
        input=f"MLP {n_in} {given.stem} {given.width}",
        n=len(given.X),
        m=sum(np.count_nonzero(part) for part in given.start if part.ndim == 2),
        function="RelationalMLP",
        variant=f"{batches} batches of {BATCH}{variant}",
        ours=partial(ready, problem, by_lessons),
        peers=peers,
        right=partial(is_right, problem),
        repeats=repeats,
    )


@lru_cache(maxsize=1)
def epoch_problem(rows: int, n_in: int, stem: int, width: int | None) -> Problem:
    """With the graph of the cases above, and the width that matches the published budget unless told."""
    from lessons.random_graphs import ws_flex
    from lessons.relational_budgets import match_width
    from lessons.relational_graphs import relational_mask

    rng, graph = np.random.default_rng(0), ws_flex(N, K, P, seed=0)
    width = width or match_width(graph, "mlp")[0]
    X, y = rng.standard_normal((rows, n_in)).astype(np.float32), rng.integers(CLASSES, size=rows)
    rounds = [relational_mask(graph, width, before) for before in (stem, width, width)]
    bare = Problem(graph, stem, width, X, y, [None, *rounds], [])
    return replace(bare, start=[tensor.data.copy() for tensor in bare.model().parameters()])


def ready(problem: Callable[[], Problem], builder: Callable[[Problem], Step]) -> Call:
    """The call that trains for an epoch; it answers with the first losses of the very first."""
    given = problem()
    checked, step = builder(given), builder(given)
    losses = [float(checked(given.X[part], given.y[part])) for part in checked_batches(given)]

    def call() -> list[float]:
        for part in given.batches():
            step(given.X[part], given.y[part])
        return losses

    return call


def checked_batches(problem: Problem) -> list[slice]:
    return [*problem.batches(), *problem.batches()][:CHECKED]


def is_right(problem: Callable[[], Problem], losses: list[float]) -> bool:
    return bool(np.abs(np.subtract(losses, reference(problem))).max() < CLOSE)


@lru_cache(maxsize=1)
def reference(problem: Callable[[], Problem]) -> list[float]:
    given = problem()
    step = by_numpy(given, np.float64)
    return [step(given.X[part].astype(np.float64), given.y[part]) for part in checked_batches(given)]


def by_lessons(problem: Problem) -> Step:
    from lessons.backpropagation import SGD, cross_entropy

    model = problem.model()
    optimiser = SGD(model.parameters(), RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)

    def step(x: Array, y: Array) -> float:
        optimiser.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        return float(loss.item())

    return step


def by_numpy(problem: Problem, dtype: type = np.float32) -> Step:
    """All derivatives by hand, and no running means."""
    arrays = [part.astype(dtype) for part in problem.start]
    layers, (head, bias) = layers_of(arrays)
    move = descent(arrays)

    def step(x: Array, y: Array) -> float:
        h, passed = x, []
        for W, gamma, beta in layers:
            z = h @ W.T
            z -= z.mean(axis=0)
            shrunk = 1 / np.sqrt((z * z).mean(axis=0) + EPSILON)
            z *= shrunk
            passed.append((h, z, shrunk))
            h = np.maximum(gamma * z + beta, 0)
        loss, g = cross_entropy_of(y, h @ head.T + bias)
        slopes, g = [g.T @ h, g.sum(axis=0)], g @ head
        for k in reversed(range(len(layers))):
            (W, gamma, _), mask, (before, z, shrunk) = layers[k], problem.masks[k], passed[k]
            g *= h > 0
            of_gamma, of_beta = (g * z).sum(axis=0), g.sum(axis=0)
            g = gamma * shrunk * (g - (of_beta + z * of_gamma) / len(x))
            of_W = g.T @ before
            slopes = [of_W if mask is None else of_W * mask, of_gamma, of_beta, *slopes]
            h, g = before, g @ W if k else g
        move(slopes)
        return loss

    return step


def layers_of(parts: Sequence[Any]) -> tuple[list[Sequence[Any]], Sequence[Any]]:
    """W, gamma and beta of each layer before the last; W and b of that."""
    return [parts[k : k + 3] for k in range(0, len(parts) - 2, 3)], parts[-2:]


def descent(arrays: list[Array]) -> Callable[[list[Array]], None]:
    """Nesterov's SGD with decay, in place."""
    velocities = [np.zeros_like(array) for array in arrays]

    def move(slopes: list[Array]) -> None:
        for array, slope, velocity in zip(arrays, slopes, velocities, strict=True):
            slope += DECAY * array
            velocity *= MOMENTUM
            velocity += slope
            array -= RATE * (slope + MOMENTUM * velocity)

    return move


def by_torch(problem: Problem, mask_gradients: bool = False) -> Step:
    torch, F = quiet_torch()
    parts = [torch.tensor(part, requires_grad=True) for part in problem.start]
    layers, (head, bias) = layers_of(parts)
    masks = [None if mask is None else torch.from_numpy(mask) for mask in problem.masks]
    running = [(torch.zeros(len(W)), torch.ones(len(W))) for W, _, _ in layers]
    optimiser = torch.optim.SGD(parts, RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True)
    if mask_gradients:
        for (W, _, _), mask in zip(layers[1:], masks[1:], strict=True):
            W.register_hook(lambda g, mask=mask: g * mask)
        masks = [None] * len(layers)

    def step(x: Array, y: Array) -> Any:
        optimiser.zero_grad()
        h = torch.from_numpy(x)
        for (W, gamma, beta), mask, statistics in zip(layers, masks, running, strict=True):
            z = F.linear(h, W if mask is None else W * mask)
            h = F.relu(F.batch_norm(z, *statistics, gamma, beta, training=True, eps=EPSILON))
        loss = F.cross_entropy(F.linear(h, head, bias), torch.from_numpy(y))
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


# ---------------------------------------------------------------------------------------- what is asked for


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """What was asked for beside igraph, and how many graphs the sweep measures in a second."""
    for row in rows:
        count, _, _, _, what = row["case"].split(" ", 4)  # "300 graphs n=64 m=256 ws_flex ..."
        if count == "300" and row["peer"] == "igraph" and what in ASKED:
            reached = "reached" if row["ratio"] <= ASKED[what] else "missed"
            yield f"300 graphs {what}: {row['ratio']:.3g} of igraph, at most {ASKED[what]:g} asked: {reached}"
        if count == "3000" and what.startswith("sweep "):
            rate = int(count) / row["ours"]
            yield f"sweep: {rate:,.0f} graphs a second; {SWEEP:,} would take {SWEEP / rate:.0f} s, an estimate"
