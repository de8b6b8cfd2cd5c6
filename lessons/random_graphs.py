"""Graphs drawn at random, by the rules that the field compares: WS-flex, the four before it, and planted groups.

    ws_flex(64, 8.3, 0.2, seed=0)               # Watts-Strogatz for any mean degree, connected
    ws_flex_words(64, 8.3, 0.2, range(1000))    # a thousand of them, for `batch_measures`
    watts_strogatz(64, 8, 0.2, seed=0)
    erdos_renyi(64, 256, seed=0)
    barabasi_albert(64, 4, seed=0)
    harary(64, 256)                             # no chance in it: hardest to cut apart
    planted_partition(64, 4, 20, 2, seed=0)     # communities, and which nodes they are

All are undirected, without self-loops, on the nodes 0 ... n - 1. A seed that is an integer is one of Python's
`random.Random`, so that WS-flex graphs are those published, edge for edge; but `planted_partition` draws its edges
many at a time, from the streams of the course.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from math import ceil, sqrt
from numbers import Integral
from random import Random
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _rng
from lessons._checks import between, real_numbers, whole
from lessons._device import compiled
from lessons.errors import InfeasibleError
from lessons.graph import Graph, as_graph

Near = list[set[int]]
Rows = NDArray[np.int64]

ATTEMPTS = 100  # as published
COMPILED_FROM = 300_000  # edges to draw; below, plain Python takes less than loading numba
BITS_UP_TO = 16_384  # nodes; beyond, a matrix of bits takes more than 32 MB
BLOCK = 256  # graphs that are drawn at a time: a generator takes 2.5 kB
WORD = 64  # nodes of a graph whose rows are one word each
TOO_LARGE = 2**64  # seeds from here on have more than two words


# ---------------------------------------------------------------------------------------- WS-flex


def ws_flex_definition(n: int, k: float, p: float, random: Random) -> Near:
    """The definition of WS-flex, one attempt: the neighbours of each node. It need not be connected.

    m = n k / 2 edges, rounded to even: node u is joined to the next m // n nodes of a ring, the first m % n nodes
    to one more. Then each of these edges, node by node, is led elsewhere with probability p. Its new end is drawn,
    and drawn again while there is an edge already; only after that is asked whether u has one left to gain.

    >>> [sorted(near) for near in ws_flex_definition(5, 2.4, 0, Random(0))]
    [[1, 2, 4], [0, 2], [0, 1, 3], [2, 4], [0, 3]]

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks,
    ICML 2020, section 3.2, arXiv:2007.06559, and the code published with it.
    """
    m = round(n * k / 2)
    ring = [(u, (u + s) % n) for u in range(n) for s in range(1, m // n + (u < m % n) + 1)]
    return _rewired(n, ring, p, random)


def _rewired(n: int, ring: Iterable[tuple[int, int]], p: float, random: Random) -> Near:
    """A graph of these edges u - v, each of which in turn becomes u - w with probability p."""
    near: Near = [set() for _ in range(n)]
    for u, v in (ring := list(ring)):
        near[u].add(v)
        near[v].add(u)
    nodes = range(n)
    for u, v in ring:
        if random.random() >= p:
            continue
        w = random.choice(nodes)
        full = False
        while not full and (w == u or w in near[u]):
            w = random.choice(nodes)
            full = len(near[u]) >= n - 1
        if not full:
            near[u].remove(v)
            near[v].remove(u)
            near[u].add(w)
            near[w].add(u)
    return near


def ws_flex(n: int, k: float, p: float, seed: _rng.Seed) -> Graph:
    """A connected WS-flex graph: a ring of n nodes and n k / 2 edges, each led elsewhere with probability p.

    The mean degree k is any number from 2 to n - 1. What comes out unconnected is drawn anew, up to 100 times.
    O(n k) while graphs are far from complete; where they are nearly so, most draws find an edge already.

    Raises ValueError for n below 3, k or p out of range; InfeasibleError where no attempt was connected.

    >>> graph = ws_flex(64, 8.3, 0.2, seed=0)
    >>> graph, int(graph.degrees().min()), int(graph.degrees().max())
    (Graph(n=64, m=266, undirected), 6, 12)

    Notebook: 11_relational_graphs. Source: see `ws_flex_definition`.
    """
    n = whole("n", n, 3)
    k, p = _checked_degree(n, k), _checked_chance(p)
    start = _python_seed(seed)
    kernels = compiled("random_graphs", when=n * k / 2 >= COMPILED_FROM) if n <= BITS_UP_TO else None
    if kernels is None or start >= TOO_LARGE:
        return _graph(_attempts(n, k, p, Random(start)))
    rows = _drawn(kernels, n, np.array([k]), np.array([p]), np.array([start], np.uint64))
    indptr, indices = np.empty(n + 1, np.int64), np.empty(2 * round(n * k / 2), np.int32)
    kernels.neighbours(rows, indptr, indices)
    return Graph(indptr, indices, directed=False)


def ws_flex_words(n: int, k: ArrayLike, p: ArrayLike, seed: ArrayLike) -> NDArray[np.uint64]:
    """(graphs, n) WS-flex graphs of up to 64 nodes, one for each k, p and seed, as `ws_flex` draws them.

    Bit j of word i says that i and j are joined. The three are broadcast against each other; seeds are integers.

    Raises ValueError and InfeasibleError as `ws_flex` does, ValueError for n above 64, TypeError for seeds that
    are no integers below 2^64.

    >>> words = ws_flex_words(8, 2, [0, 1], seed=0)
    >>> words.shape, bin(words[0, 3])                  # on the ring, 3 is joined to 2 and 4
    ((2, 8), '0b10100')

    Notebook: 11_relational_graphs. Source: see `ws_flex_definition`.
    """
    n = whole("n", n, 3, WORD)
    k, p, seed = real_numbers("k", k), real_numbers("p", p), _checked_seeds(seed)
    degrees, chances, seeds = (np.ravel(each) for each in np.broadcast_arrays(k, p, seed))
    for extreme in (np.min, np.max) if degrees.size else ():
        _checked_degree(n, float(extreme(degrees)))
        _checked_chance(float(extreme(chances)))
    kernels = compiled("random_graphs", when=degrees.sum() * n / 2 >= COMPILED_FROM)
    if kernels is not None:
        return _drawn(kernels, n, degrees.astype(float), chances.astype(float), seeds).reshape(-1, n)
    settings = zip(degrees.tolist(), chances.tolist(), seeds.tolist(), strict=True)
    near = (_attempts(n, k, p, Random(start)) for k, p, start in settings)
    words = [[sum(1 << v for v in around) for around in graph] for graph in near]
    return np.array(words, np.uint64).reshape(-1, n)


def _attempts(n: int, k: float, p: float, random: Random) -> Near:
    """The first attempt that is connected."""
    for _ in range(ATTEMPTS):
        near = ws_flex_definition(n, k, p, random)
        if _is_connected(near):
            return near
    raise _unconnected(n, k, p)


def _drawn(
    kernels: ModuleType, n: int, k: NDArray[np.float64], p: NDArray[np.float64], seeds: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """(graphs * n, words) the rows of bits of all graphs, drawn in blocks whose generators stay in cache."""
    m = np.rint(n * k / 2).astype(np.int64)
    chance = np.ceil(p * 2.0**53).astype(np.uint64)
    rows = np.empty((len(seeds) * n, -(-n // WORD)), np.uint64)
    states = np.empty((min(BLOCK, len(seeds)), kernels.SIZE), np.uint32)
    for begin in range(0, len(seeds), BLOCK):
        block = slice(begin, begin + BLOCK)
        kernels.seeded(seeds[block], states)
        out = rows[begin * n : (begin + BLOCK) * n]
        done = begin + kernels.ws_flex(n, m[block], chance[block], states, ATTEMPTS, out)
        if done < begin + len(m[block]):
            raise _unconnected(n, float(k[done]), float(p[done]))
    return rows


def _unconnected(n: int, k: float, p: float) -> InfeasibleError:
    return InfeasibleError(f"n={n}, k={k}, p={p}: none of {ATTEMPTS} graphs was connected; raise k or lower p")


def _is_connected(near: Sequence[set[int]]) -> bool:
    seen, stack = {0}, [0]
    while stack:
        new = near[stack.pop()] - seen
        seen |= new
        stack.extend(new)
    return len(seen) == len(near)


# ---------------------------------------------------------------------------------------- the classics


def watts_strogatz(n: int, k: int, p: float, seed: _rng.Seed) -> Graph:
    """A small world: a ring where each node is joined to the k nearest, each edge led elsewhere with chance p.

    k is even and less than n. Nearest neighbours come first, all round the ring, then the second, and so on. It
    may come out unconnected. O(n k), but for nearly complete graphs: see `ws_flex`.

    Raises ValueError for n below 3, an odd k or one out of range, p not in 0 ... 1.

    >>> watts_strogatz(6, 2, 0, seed=0).edges()
    [(0, 1), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5)]

    Notebook: 11_relational_graphs. Source: D. J. Watts, S. H. Strogatz, Collective dynamics of "small-world"
    networks, Nature 393, 1998, page 441, doi:10.1038/30918.
    """
    n = whole("n", n, 3)
    k, p = whole("k", k, 2, n - 1), _checked_chance(p)
    if k % 2:
        raise ValueError(f"k={k}: even, half of it to either side; ws_flex takes any mean degree")
    ring = [(u, (u + s) % n) for s in range(1, k // 2 + 1) for u in range(n)]
    return _graph(_rewired(n, ring, p, Random(_python_seed(seed))))


def erdos_renyi(n: int, m: int, seed: _rng.Seed) -> Graph:
    """G(n, m): m different pairs of nodes, all sets of m pairs as likely. It may come out unconnected. O(n + m).

    Raises ValueError for a negative n, or m out of 0 ... n (n - 1) / 2.

    >>> erdos_renyi(64, 256, seed=0)
    Graph(n=64, m=256, undirected)

    Notebook: 11_relational_graphs. Source: P. Erdos, A. Renyi, On random graphs I, Publicationes Mathematicae
    Debrecen 6, 1959, pages 290-297, doi:10.5486/PMD.1959.6.3-4.12.
    """
    n = whole("n", n, 0)
    pairs = n * (n - 1) // 2
    drawn = np.array(Random(_python_seed(seed)).sample(range(pairs), whole("m", m, 0, pairs)), np.int64)
    return as_graph(np.column_stack(_pairs(drawn)), n=n)


def barabasi_albert(n: int, m: int, seed: _rng.Seed) -> Graph:
    """A graph that grows by preference: each new node is joined to m others, drawn in proportion to their degrees.

    It begins as a star of m + 1 nodes, so it has m (n - m) edges and is connected. O(n m).

    Raises ValueError for m below 1, or n not above m.

    >>> barabasi_albert(64, 4, seed=0)
    Graph(n=64, m=240, undirected)

    Notebook: 11_relational_graphs. Source: A.-L. Barabasi, R. Albert, Emergence of scaling in random networks,
    Science 286, 1999, page 511, doi:10.1126/science.286.5439.509; there the beginning is left open.
    """
    m = whole("m", m)
    n, random = whole("n", n, m + 1), Random(_python_seed(seed))
    edges = [(0, v) for v in range(1, m + 1)]
    ends = [end for edge in edges for end in edge]  # a node stands here as often as it has edges
    for new in range(m + 1, n):
        chosen: dict[int, None] = {}  # in the order drawn
        while len(chosen) < m:
            chosen[random.choice(ends)] = None
        edges += [(old, new) for old in chosen]
        ends += [*chosen, *[new] * m]
    return as_graph(edges, n=n)


def harary(n: int, m: int) -> Graph:
    """The Harary graph of n nodes and m edges: no other needs more nodes, or more edges, removed to come apart.

    All nodes of a ring are joined to the nearest, as far as the edges go evenly; those left over lead across the
    ring or to the next further node. O(n + m).

    Raises ValueError for n below 1, or m not in n - 1 ... n (n - 1) / 2.

    >>> harary(6, 9).degrees()
    array([3, 3, 3, 3, 3, 3])

    Notebook: 11_relational_graphs. Source: F. Harary, The maximum connectivity of a graph, Proceedings of the
    National Academy of Sciences 48 (7), 1962, pages 1142-1146, doi:10.1073/pnas.48.7.1142.
    """
    n = whole("n", n)
    m = whole("m", m, n - 1, n * (n - 1) // 2)
    degree = 2 * m // n
    offset, half = degree // 2, n // 2
    edges = [(u, (u + s) % n) for u in range(n) for s in range(1, offset + 1)]
    if degree % 2:
        edges += [(u, (u + half) % n) for u in range(half if n % 2 == 0 else m - len(edges))]
    edges += [(u, u + offset + 1) for u in range(m - len(edges))]
    return as_graph(edges, n=n)


# ---------------------------------------------------------------------------------------- planted groups


def planted_partition(
    n: int, k: int, c_in: float, c_out: float, seed: _rng.Seed
) -> tuple[Graph, NDArray[np.int32]]:
    """A graph with k groups of equal size, and the group of each node: (n,), 0 ... k - 1.

    Two nodes of one group are joined with chance c_in / n, two of different groups with c_out / n: c_in and c_out
    are no chances themselves, but n times as large. A group are n // k consecutive nodes or, for the first n % k
    groups, one more. So a node has about c_in / k neighbours in its own group and c_out / k in each of the others,
    c = (c_in + (k - 1) c_out) / k in all. O(n + m).

    The larger the graph, the better can the groups be found where |c_in - c_out| > k sqrt(c). Below that threshold
    no quick way is known that does better than chance, and for two groups there is none at all (E. Mossel, J.
    Neeman, A. Sly, Probability Theory and Related Fields 162, 2015, doi:10.1007/s00440-014-0576-6).

    Raises ValueError for n below 1, k not in 1 ... n, c_in or c_out not in 0 ... n.

    >>> graph, groups = planted_partition(64, 4, 20, 2, seed=0)
    >>> graph, groups[[0, 15, 16, 63]].tolist()
    (Graph(n=64, m=191, undirected), [0, 0, 1, 3])

    Notebook: 08_communities. Source: A. Decelle, F. Krzakala, C. Moore, L. Zdeborova, Inference and phase
    transitions in the detection of modules in sparse networks, Physical Review Letters 107, 2011, 065701,
    doi:10.1103/PhysRevLett.107.065701.
    """
    n = whole("n", n)
    k, key = whole("k", k, 1, n), _rng.key_of(seed)
    inside, across = (
        between(name, c, 0, n, f"{n} times a probability") / n for name, c in (("c_in", c_in), ("c_out", c_out))
    )
    sizes = n // k + (np.arange(k) < n % k)
    first = np.cumsum(sizes) - sizes
    group, number = _chosen(sizes * (sizes - 1) // 2, inside, key, 0)  # both ends in this group
    u, v = first[group] + _pairs(number)
    later, number = _chosen(sizes * first, across, key, 1)  # one end in this group, the other before it
    w, x = np.divmod(number, first[later])
    edges = np.concatenate([np.column_stack([u, v]), np.column_stack([x, w + first[later]])])
    return as_graph(edges, n=n), np.repeat(np.arange(k, dtype=np.int32), sizes)


def _chosen(sizes: Rows, p: float, key: int, stream: int) -> tuple[Rows, Rows]:
    """Which are chosen of many, group by group, where each is with chance p: its group, and its number there.

    Only those chosen cost time, as the steps from one to the next are drawn: more than s with chance (1 - p)^s.

    Source: V. Batagelj, U. Brandes, Efficient generation of large random networks, Physical Review E 71, 2005,
    036113, section II, doi:10.1103/PhysRevE.71.036113.
    """
    total, last, found = int(sizes.sum()), -1, [np.empty(0, np.int64)]
    draws = ceil(total * p + 6 * sqrt(total * p)) + 10  # rarely too few
    for block in count(stream, 2):
        if last >= total - 1 or p == 0:
            break
        with np.errstate(divide="ignore", over="ignore"):  # all are chosen; a step beyond all floats
            steps = np.log1p(-_rng.uniforms(key, [block], draws)[0]) / np.log1p(-p)
        found.append(last + np.cumsum(1 + np.minimum(steps, total).astype(np.int64)))
        last = int(found[-1][-1])
    chosen = np.concatenate(found)
    chosen = chosen[chosen < total]
    ends = np.cumsum(sizes)
    group = np.searchsorted(ends, chosen, side="right")
    return group, chosen - (ends - sizes)[group]


# ---------------------------------------------------------------------------------------- helpers


def _pairs(numbers: Rows) -> tuple[Rows, Rows]:
    """u and v > u of pairs of nodes by number: 0 - 1, 0 - 2, 1 - 2, 0 - 3, ...; number v (v - 1) / 2 + u."""
    v = ((1 + np.sqrt(1 + 8.0 * numbers)) / 2).astype(np.int64)
    v -= v * (v - 1) // 2 > numbers
    v += v * (v + 1) // 2 <= numbers
    return numbers - v * (v - 1) // 2, v


def _graph(near: Near) -> Graph:
    indptr = np.cumsum([0, *map(len, near)])
    return Graph(indptr, np.array([v for around in near for v in sorted(around)], np.int32), directed=False)


def _python_seed(seed: _rng.Seed) -> int:
    """What `random.Random` starts from: an integer as it is, the next key of a generator."""
    if isinstance(seed, Integral) and not isinstance(seed, bool) and seed >= 0:
        return int(seed)
    return _rng.key_of(seed)  # which raises for what is no seed


def _checked_seeds(seed: ArrayLike) -> NDArray[np.uint64]:
    seeds = np.asarray(seed)
    if seeds.size == 0:
        return seeds.astype(np.uint64)
    if seeds.dtype.kind not in "iu":
        raise TypeError(f"seed={seed!r}: integers below 2^64 are needed, one for each graph")
    if seeds.min() < 0:
        raise ValueError(f"seed={seeds.min()}: zero or more")
    return seeds.astype(np.uint64)


def _checked_degree(n: int, k: float) -> float:
    return between("k", k, 2, n - 1, f"a mean degree of {n} nodes")


def _checked_chance(p: float) -> float:
    return between("p", p, 0, 1, "a probability")
