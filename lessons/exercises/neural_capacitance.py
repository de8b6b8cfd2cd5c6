"""The exercises of notebook 13: an effective coupling and its parts, the links of a line graph, a prediction that
was moved, what beta_eff does and does not, sums of P without P."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise, product
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import RUNS, Exercise, Property, Variant, once
from lessons.exercises.graph_signals import _is_real
from lessons.exercises.sweet_spot import _close
from lessons.graph import as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Masks = Mapping[int, NDArray[np.int64]]


# -------------------------------------------------------------------------------- 1: one number for a network


def _coupled_cases(rng: Generator) -> Iterator[tuple[Floats]]:
    """One node to six. Of each: strengths that are alike, links above 0, links of both signs."""
    yield (np.array([[2.0]]),)
    for n in range(2, 7):
        ring = np.roll(np.eye(n), 1, axis=1) * rng.integers(1, 5) / 2
        yield (ring,)
        for _ in range(5):
            yield (_coupled(rng, n, lowest=0),)
        listened_to = np.outer(np.ones(n), rng.permutation(n) / 2)  # all hear the same, but act differently
        yield (listened_to,)
        yield (listened_to.T,)
        for _ in range(3):
            yield (_coupled(rng, n, lowest=-3),)


def _coupled(rng: Generator, n: int, lowest: int) -> Floats:
    """Links in halves, with in-strengths that differ, out-strengths that differ, and a sum above 0."""
    while True:
        P = rng.integers(lowest, 6, (n, n)) * (rng.random((n, n)) < 0.8) / 2
        some = (P < 0).any() or lowest == 0
        if some and P.sum() >= n / 2 and np.ptp(P.sum(axis=0)) and np.ptp(P.sum(axis=1)):
            return np.asarray(P)


def coupling_parts(P: Floats) -> tuple[float, float, float, float]:
    in_strength, out_strength = P.sum(axis=1), P.sum(axis=0)
    beta = out_strength @ in_strength / P.sum()
    mean = P.sum() / len(P)
    spread = in_strength.std() * out_strength.std()
    if spread == 0:
        return beta, mean, 0.0, 0.0
    S = (np.mean(in_strength * out_strength) - mean**2) / spread
    return beta, mean, S, spread / mean


def _four_numbers(found: Any, P: Any) -> bool:
    """S may be nan, as 0 / 0 is, until that is asked."""
    return _is_real(np.nan_to_num(np.asarray(found, dtype=float)), (4,))


def _alike(P: Any) -> bool:
    """Whether all nodes have the same in-strength, or the same out-strength."""
    return bool(np.ptp(P.sum(axis=0)) == 0 or np.ptp(P.sum(axis=1)) == 0)


def _part_right(k: int, asks: Callable[[Any], bool] = lambda P: True) -> Callable[..., bool]:
    """A property's `holds`: number k of the four is right, in the cases for which asks(P)."""

    def holds(found: Any, P: Any) -> bool:
        return not asks(P) or _close(found[k], coupling_parts(P)[k])

    return holds


def _strengths(P: Any) -> tuple[Any, Any]:
    return P.sum(axis=1), P.sum(axis=0)


def _parts_with(
    beta: Callable[[Any], Any] = lambda P: (P @ P).sum() / P.sum(),
    mean: Callable[[Any], Any] = lambda P: P.sum() / len(P),
    S: Callable[[Any, Any], Any] = lambda heard, acted: np.corrcoef(heard, acted)[0, 1],
    H: Callable[[Any, Any], Any] = lambda heard, acted: heard.std() * acted.std() / heard.mean(),
    alike: float = 0.0,
) -> Callable[..., Any]:
    """The parts, right but for one: beta, mean strength, S or H of the strengths, or S where these are alike."""

    def parts(P: Any) -> Any:
        heard, acted = _strengths(P)
        return beta(P), mean(P), alike if _alike(P) else S(heard, acted), H(heard, acted)

    return parts


def _of_linked(P: Any) -> Any:
    return coupling_parts((P != 0).astype(float))


def _of_sizes(P: Any) -> Any:
    return coupling_parts(np.abs(P))


def _without_loops(P: Any) -> Any:
    linked = P * (1 - np.eye(len(P)))
    return coupling_parts(linked if linked.any() else P)


_entry_by_entry = _parts_with(
    beta=lambda P: (P * P).sum() / P.sum()
)  # as A*A of other languages, written down in NumPy
_turned_once = _parts_with(beta=lambda P: (P.T @ P).sum() / P.sum())
_there_and_back = _parts_with(beta=lambda P: np.trace(P @ P) / P.sum())
_eigenvalue = _parts_with(beta=lambda P: np.abs(np.linalg.eigvals(P)).max())
_over_nodes = _parts_with(beta=lambda P: (P @ P).sum() / len(P))
_over_squares = _parts_with(beta=lambda P: (P @ P).sum() / P.sum() ** 2)
_mean_for_beta = _parts_with(beta=lambda P: P.sum() / len(P))
_over_links = _parts_with(mean=lambda P: P.sum() / np.count_nonzero(P))
_over_pairs = _parts_with(mean=lambda P: P.mean())
_sum_for_mean = _parts_with(mean=lambda P: P.sum())
_both_ends = _parts_with(mean=lambda P: 2 * P.sum() / len(P))
_covariance = _parts_with(S=lambda heard, acted: np.mean(heard * acted) - heard.mean() * acted.mean())
_mean_not_taken = _parts_with(S=lambda heard, acted: np.mean(heard * acted) / (heard.std() * acted.std()))
_cosine = _parts_with(S=lambda heard, acted: heard @ acted / (np.linalg.norm(heard) * np.linalg.norm(acted)))
_squared = _parts_with(S=lambda heard, acted: np.corrcoef(heard, acted)[0, 1] ** 2)
_table_of_S = _parts_with(S=np.corrcoef)
_one_less = _parts_with(H=lambda heard, acted: np.std(heard, ddof=1) * np.std(acted, ddof=1) / heard.mean())
_variances = _parts_with(H=lambda heard, acted: heard.var() * acted.var() / heard.mean())
_only_heard = _parts_with(H=lambda heard, acted: heard.var() / heard.mean())
_mean_forgotten = _parts_with(H=lambda heard, acted: heard.std() * acted.std())
_over_mean_square = _parts_with(H=lambda heard, acted: heard.std() * acted.std() / heard.mean() ** 2)
_alike_is_1 = _parts_with(alike=1.0)


def _alike_not_asked(P: Any) -> Any:
    heard, acted = _strengths(P)
    spread, mean = heard.std() * acted.std(), heard.mean()
    return acted @ heard / P.sum(), mean, (np.mean(heard * acted) - mean**2) / spread, spread / mean


def _product_for_both(P: Any) -> Any:
    """S H as a single number."""
    beta, mean, S, H = coupling_parts(P)
    return beta, mean, S * H


def _H_before_S(P: Any) -> Any:
    beta, mean, S, H = coupling_parts(P)
    return beta, mean, H, S


def _of_each_node(P: Any) -> Any:
    heard, acted = _strengths(P)
    return heard * acted / P.sum(), heard, acted, heard.std()


def _scaled_in_place(P: Any) -> Any:
    scale = P.max()
    P /= scale
    return coupling_parts(P * scale)


def _draw_coupled(P: Floats) -> tuple[Any, str]:
    """A table: of a graph drawn as such the numbers on links there and back would hide each other."""
    from lessons.show import INK, canvas

    n, (heard, acted) = len(P), _strengths(P)
    fig, axes = canvas(0.6 * n + 1.6, 0.4 * n + 1.2)
    axes.axis([-0.5, n + 0.5, n + 0.5, -0.5])
    for i, j in np.ndindex(n, n):
        axes.text(j, i, f"{P[i, j]:g}", ha="center", va="center", color=INK)
    for k in range(n):
        axes.text(n, k, f"{heard[k]:g}", ha="center", va="center", weight="bold", color=INK)
        axes.text(k, n, f"{acted[k]:g}", ha="center", va="center", weight="bold", color=INK)
    axes.axhline(n - 0.5, color=INK, linewidth=1)
    axes.axvline(n - 0.5, color=INK, linewidth=1)
    axes.spines[:].set_visible(False)
    axes.set_xticks(range(n + 1), [*map(str, range(n)), "in"])
    axes.set_yticks(range(n + 1), [*map(str, range(n)), "out"])
    axes.set(xlabel="who acts, j", ylabel="on whom, i", title="P[i, j]")
    sums = " and ".join(", ".join(f"{strength:g}" for strength in strengths) for strengths in (heard, acted))
    return fig, f"P of {n} nodes as a table, with its in-strengths and out-strengths: {sums}."


PARTS = Exercise(
    id="neural_capacitance-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=2,
    minutes=5,
    cases=_coupled_cases,
    properties=(
        Property(
            says="the answer is four numbers: beta, mean strength, S and H",
            holds=_four_numbers,
            hints=(
                "Four numbers for a network, whatever the number of its nodes.",
                "Look at what you return: is one of them an array, with a number for each node, or a table?",
                "They stand behind `return`, with commas between: beta, mean strength, S, H.",
            ),
        ),
        Property(
            says="the second is the mean strength: the sum of P over the number of nodes",
            holds=_part_right(1),
            hints=(
                "Every link is in the in-strength of one node. What is the mean of these?",
                "Look at what you divide by: not the links, and not all pairs of nodes.",
                "The mean of in-strength, with signs as they are. That of out-strength is the same number.",
            ),
        ),
        Property(
            says="the first is beta = 1'PP1 / 1'P1",
            holds=_part_right(0),
            hints=(
                "1'PP1 counts the ways of two links: into a node, and on from it.",
                "Look at the product: P * P is made entry by entry, P @ P row by column. What is 1'P, what P1?",
                "1'P are the out-strengths, P1 the in-strengths: multiply, add up, divide by the sum of P.",
            ),
        ),
        Property(
            says="the fourth is H: both standard deviations multiplied, over the mean strength",
            holds=_part_right(3),
            hints=(
                "H tells how much the strengths vary, those in and those out.",
                "Look at the standard deviations: of two things, squares over the number of nodes, roots taken.",
                "NumPy's std does so without further options. Divide once, by the second number.",
            ),
        ),
        Property(
            says="the third is S, the correlation of in-strength and out-strength, where both vary",
            holds=_part_right(2, lambda P: not _alike(P)),
            hints=(
                "Do nodes that hear much also act much?",
                "Look at what a correlation is: one number from -1 to 1, after both means were taken away.",
                "The mean of the products, less the product of the means, over both standard deviations.",
            ),
        ),
        Property(
            says="S is 0 where all in-strengths are the same, or all out-strengths",
            holds=_part_right(2),
            hints=(
                "What does not vary goes along with nothing.",
                "Look at what S is divided by if a standard deviation is 0.",
                "Ask for that before you divide, and return 0 for S.",
            ),
        ),
    ),
    reference=coupling_parts,
    wrong=(
        _entry_by_entry,
        _turned_once,
        _there_and_back,
        _eigenvalue,
        _over_nodes,
        _over_squares,
        _mean_for_beta,
        _over_links,
        _over_pairs,
        _sum_for_mean,
        _both_ends,
        _covariance,
        _mean_not_taken,
        _cosine,
        _squared,
        _table_of_S,
        _one_less,
        _variances,
        _only_heard,
        _mean_forgotten,
        _over_mean_square,
        _alike_is_1,
        _alike_not_asked,
        _product_for_both,
        _H_before_S,
        _of_each_node,
        _of_linked,
        _of_sizes,
        _without_loops,
        _scaled_in_place,
    ),
    why=(
        "1'P are the out-strengths and P1 the in-strengths, so 1'PP1 is the sum of their products over the nodes. "
        "No product of matrices is needed: n² steps, not n³. The mean of a product is the product of the means "
        "plus S times both standard deviations. Divided by the mean strength this is beta = <s> + S H: a network "
        "is strongly coupled if its links are strong, or if who hears much also acts much. None of the four "
        "numbers changes if all links are turned round: rows and columns only change places."
    ),
    draw=_draw_coupled,
    after="Needed again: `beta_eff` and `decomposed` give these numbers, for sparse networks too.",
)

# -------------------------------------------------------------------------------- 2: the links of a line graph

Synapse = tuple[int, int, int]
Links = list[tuple[Synapse, Synapse]]
Linked = Callable[[Any, Any], bool]
SIZES = ((1, 1), (1, 1, 1), (1, 2, 1), (2, 1, 2), (2, 1, 3), (1, 2, 3, 1), (2, 3, 2, 2), (3, 2, 2, 2, 2))


def _mask_cases(rng: Generator) -> Iterator[tuple[Masks]]:
    """One layer to four. Of each size first a network in which no synapse is missing."""
    for sizes in SIZES:
        shapes = [(receivers, senders) for senders, receivers in pairwise(sizes)]
        yield ({at: np.ones(shape, np.int64) for at, shape in enumerate(shapes, 1)},)
        for _ in range(4 if max(sizes) > 1 else 0):
            yield (_masks(rng, shapes),)


def _masks(rng: Generator, shapes: list[tuple[int, int]]) -> Masks:
    """Masks with synapses in each layer, and with a synapse missing."""
    while True:
        masks = {at: (rng.random(shape) < 0.7).astype(np.int64) for at, shape in enumerate(shapes, 1)}
        if all(map(np.any, masks.values())) and not all(map(np.all, masks.values())):
            return masks


def synapse_links(masks: Masks) -> Links:
    links: Links = []
    for layer, mask in masks.items():
        if layer + 1 in masks:
            for j, i in np.argwhere(mask).tolist():
                begin = np.flatnonzero(masks[layer + 1][:, j]).tolist()
                links += [((layer, j, i), (layer + 1, k, j)) for k in begin]
    return links


def _synapses(masks: Any) -> list[Synapse]:
    return [(at, j, i) for at, mask in masks.items() for j, i in np.argwhere(mask).tolist()]


def _is_synapse(triple: Any) -> bool:
    return len(triple) == 3 and all(isinstance(n, Integral) and not isinstance(n, bool) for n in triple)


def _are_links(found: Any, masks: Any) -> bool:
    return (
        isinstance(found, Collection)
        and not isinstance(found, str | Mapping)
        and all(len(pair) == 2 and all(map(_is_synapse, pair)) for pair in found)
    )


def _every_link(holds: Callable[..., bool]) -> Callable[..., bool]:
    """A property's `holds`: of every pair (p, q) in the answer, holds(p, q, masks)."""
    return lambda found, masks: all(holds(tuple(p), tuple(q), masks) for p, q in found)


def _as_set(found: Any) -> set[Any]:
    return {(tuple(p), tuple(q)) for p, q in found}


def _links_where(
    joined: Linked,
    synapses: Callable[[Any], Any] = _synapses,
    pair: Callable[[Any, Any], Any] = lambda p, q: (p, q),
) -> Callable[..., Any]:
    """All pairs of synapses for which joined(p, q)."""

    def links(masks: Any) -> Any:
        every = synapses(masks)
        return [pair(p, q) for p, q in product(every, every) if joined(p, q)]

    return links


def _meet(p: Any, q: Any) -> bool:
    return bool(q[0] == p[0] + 1 and q[2] == p[1])


def _complete(masks: Any) -> Any:
    return [(at, j, i) for at, mask in masks.items() for j, i in product(*map(range, mask.shape))]


def _swapped(p: Any) -> Any:
    return (p[0], p[2], p[1])


_against = _links_where(_meet, pair=lambda p, q: (q, p))
_either_way = _links_where(lambda p, q: _meet(p, q) or _meet(q, p))
_senders_first = _links_where(_meet, pair=lambda p, q: (_swapped(p), _swapped(q)))
_columns_hear = _links_where(_meet, synapses=lambda masks: list(map(_swapped, _synapses(masks))))
_masks_forgotten = _links_where(_meet, synapses=_complete)
_layers_from_0 = _links_where(_meet, pair=lambda p, q: ((p[0] - 1, *p[1:]), (q[0] - 1, *q[1:])))
_without_layers = _links_where(_meet, pair=lambda p, q: (p[1:], q[1:]))
_paths_of_units = _links_where(_meet, pair=lambda p, q: (p[2], p[1], q[1]))
_one_sender = _links_where(lambda p, q: q[0] == p[0] + 1 and q[2] == p[2])
_one_receiver = _links_where(lambda p, q: q[0] == p[0] + 1 and q[1] == p[1])
_ends_by_ends = _links_where(lambda p, q: q[0] == p[0] + 1 and q[1] == p[2])
_whole_layers = _links_where(lambda p, q: bool(q[0] == p[0] + 1))
_any_layer = _links_where(lambda p, q: bool(q[2] == p[1]))
_any_layer_after = _links_where(lambda p, q: bool(q[0] > p[0] and q[2] == p[1]))
_neighbours = _links_where(lambda p, q: p != q and p[0] == q[0] and (p[1] == q[1] or p[2] == q[2]))
_first_two_layers = _links_where(lambda p, q: p[0] == 1 and _meet(p, q))
_last_layer_forgotten = _links_where(lambda p, q: False if q[0] > 2 else _meet(p, q))


def _twice(masks: Any) -> Any:
    return 2 * synapse_links(masks)


def _one_for_each_synapse(masks: Any) -> Any:
    """The first that is met, and no other."""
    links = dict(reversed(synapse_links(masks)))
    return list(links.items())


def _as_adjacency(masks: Any) -> Any:
    every = _synapses(masks)
    return np.array([[_meet(p, q) for q in every] for p in every])


def _as_successors(masks: Any) -> Any:
    every = _synapses(masks)
    return {p: [q for q in every if _meet(p, q)] for p in every}


def _rows_for_senders(masks: Any) -> Any:
    """What begins at j, looked up in row j of the next layer."""
    links = []
    for at, j, i in _synapses(masks):
        if at + 1 in masks:
            links += [((at, j, i), (at + 1, k, j)) for k in np.flatnonzero(masks[at + 1][j]).tolist()]
    return links


def _past_the_last(masks: Any) -> Any:
    links = []
    for at, j, i in _synapses(masks):
        links += [((at, j, i), (at + 1, k, j)) for k in np.flatnonzero(masks[at + 1][:, j]).tolist()]
    return links


def _layers_taken_out(masks: Any) -> Any:
    links = []
    while len(masks) > 1:
        links += [link for link in synapse_links(masks) if link[0][0] == min(masks)]
        del masks[min(masks)]
    return links


def _draw_layers(masks: Masks) -> tuple[Any, str]:
    """Units as layer.unit, layers from left to right."""
    from lessons.show.graph import draw_graph

    sizes = [masks[1].shape[1], *(len(mask) for mask in masks.values())]
    units = [(at, unit) for at, size in enumerate(sizes) for unit in range(size)]
    edges = [(f"{at - 1}.{i}", f"{at}.{j}") for at, j, i in _synapses(masks)]
    graph = as_graph(edges, nodes=[f"{at}.{unit}" for at, unit in units], directed=True)
    places = [(2.0 * at, (sizes[at] - 1) / 2 - unit) for at, unit in units]
    return draw_graph(graph, positions=places, title="units, as layer.unit")


NO_SUCH_SYNAPSE = replace(
    RUNS,
    hints=(
        "The message names a layer that is not there, or a unit that is not there.",
        "Look at the last layer: no layer follows it. And a mask has a row for each receiver, a column for each "
        "sender.",
        "Ask `l + 1 in masks` first. What begins at unit j stands in column j of the next mask.",
    ),
)

LINKS = Exercise(
    id="neural_capacitance-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=6,
    cases=_mask_cases,
    properties=(
        Property(
            says="the answer is a list of pairs (p, q) of synapses, each a triple of whole numbers",
            holds=_are_links,
            hints=(
                "A link of the line graph joins two synapses, and a synapse has three numbers.",
                "Look at one entry of your list: it looks like ((1, 0, 0), (2, 0, 0)).",
                "Layer, receiver, sender of p; layer, receiver, sender of q. One list for all layers.",
            ),
        ),
        Property(
            says="both are synapses of the network: (l, j, i) where masks[l][j, i] is 1",
            holds=_every_link(lambda p, q, masks: p in _synapses(masks) and q in _synapses(masks)),
            hints=(
                "Only what is there can be linked.",
                "Look at the order in a triple: layer, receiver, sender. Layers count from 1, and a row of a mask "
                "is a receiver.",
                "np.argwhere(mask) gives the pairs j, i that are there.",
            ),
        ),
        Property(
            says="q is in the layer after that of p",
            holds=_every_link(lambda p, q, masks: q[0] == p[0] + 1),
            hints=(
                "The unit at which p ends is where q begins: which of them comes first in the network?",
                "Look at the layers of both in the pair above.",
                "p in layer l, q in layer l + 1, and p stands first in the pair.",
            ),
        ),
        Property(
            says="q begins at the unit at which p ends",
            holds=_every_link(lambda p, q, masks: q[2] == p[1]),
            hints=(
                "Two synapses are linked by the unit that they share.",
                "Look at the receiver of p, and at the sender of q.",
                "Of p = (l, j, i) and q = (l + 1, k, j) the j is the same.",
            ),
        ),
        Property(
            says="no link is left out",
            holds=lambda found, masks: _as_set(found) == set(synapse_links(masks)),
            hints=(
                "A synapse is linked with all that begin where it ends.",
                "Look at a unit with several synapses in and several out, and at the last two layers.",
                "Two loops inside each other: over the synapses of layer l, then over those that begin at j.",
            ),
        ),
        Property(
            says="each link stands in the list once",
            holds=lambda found, masks: len(found) == len(synapse_links(masks)),
            hints=(
                "The links are right, but some are there again.",
                "Look at what your loops go over: does one of them meet the same two synapses twice?",
                "One step for each synapse p, and in it one for each q.",
            ),
        ),
    ),
    reference=synapse_links,
    wrong=(
        _against,
        _either_way,
        _senders_first,
        _columns_hear,
        _masks_forgotten,
        _layers_from_0,
        _without_layers,
        _paths_of_units,
        _one_sender,
        _one_receiver,
        _ends_by_ends,
        _whole_layers,
        _any_layer,
        _any_layer_after,
        _neighbours,
        _first_two_layers,
        _last_layer_forgotten,
        _twice,
        _one_for_each_synapse,
        _as_adjacency,
        _as_successors,
        _rows_for_senders,
        _past_the_last,
        _layers_taken_out,
    ),
    why=(
        "A unit with a synapses in and b out makes a b links, so a network whose layers are n wide has n³ links "
        "between two layers of n² synapses. That is why nobody builds the line graph of a large network. A link "
        "goes forward, from p to q, as a signal does. In training q acts on p, as errors go backward: P has its "
        "entry in row p, the receiver, and column q. So these pairs, read as row and column, are the places where "
        "P may differ from 0."
    ),
    draw=_draw_layers,
    raised={IndexError: NO_SUCH_SYNAPSE, KeyError: NO_SUCH_SYNAPSE},
    after="Needed again: `line_graph` makes a graph of these links, and `coupling` says how strong they are.",
)

# -------------------------------------------------------------------------------- 3: a prediction that was moved


def _epoch_cases(rng: Generator) -> Iterator[tuple[Floats, Floats, float]]:
    """Two epochs to seven. Of each: accuracies alike; no ridge; a largest |beta| of 1; larger; of both signs."""
    for epochs in range(2, 8):
        yield _falling(rng, epochs), np.full(epochs, rng.integers(1, 10) / 10), float(rng.choice([0.1, 0.5, 2]))
        for _ in range(2):
            yield _falling(rng, epochs), _accuracies(rng, epochs), 0.0
        for _ in range(2):
            beta = _falling(rng, epochs)
            yield np.append(1.0, beta[1:] / 4), _accuracies(rng, epochs), float(rng.choice([0.1, 0.5, 2]))
        for _ in range(2):
            yield _falling(rng, epochs), _accuracies(rng, epochs), float(rng.choice([0.1, 0.5, 2]))
        for _ in range(2):
            yield _of_both_signs(rng, epochs), _accuracies(rng, epochs), float(rng.choice([0.1, 0.5, 2]))


def _falling(rng: Generator, epochs: int) -> Floats:
    """Betas between 1.1 and 4, the first one the largest; no two are equal."""
    return np.asarray(np.sort(rng.permutation(np.arange(11, 41))[:epochs])[::-1] / 10)


def _of_both_signs(rng: Generator, epochs: int) -> Floats:
    """Betas of which the largest in absolute value is below 0, and one is above."""
    beta = rng.permutation(np.arange(-20, 10))[:epochs] / 10
    beta[rng.permutation(epochs)[:2]] = -2.5, rng.integers(1, 10) / 10
    return np.asarray(beta)


def _accuracies(rng: Generator, epochs: int) -> Floats:
    """Accuracies that rise, no two equal."""
    return np.asarray(np.sort(rng.permutation(np.arange(20, 100))[:epochs]) / 100)


def moved_prediction(beta: Any, accuracy: Any, ridge: Any) -> Any:
    """A typical slip, made for the course."""
    x = (beta - beta.mean()) / np.abs(beta).max()
    A = np.column_stack([np.ones(len(x)), x])
    level, _ = np.linalg.solve(A.T @ A + ridge * np.eye(2), A.T @ accuracy)
    return level


def prediction_at_zero(beta: Floats, accuracy: Floats, ridge: float) -> float:
    x = beta / np.abs(beta).max()
    A = np.column_stack([np.ones(len(x)), x])
    level, _ = np.linalg.solve(A.T @ A + np.diag([0, ridge]), A.T @ accuracy)
    return float(level)


def _fitted(x: Any, accuracy: Any, penalty: Any) -> Any:
    """(level, slope) of the line, by what is charged for the square of each."""
    A = np.column_stack([np.ones(len(x)), x])
    return np.linalg.solve(A.T @ A + np.diag(penalty), A.T @ accuracy)


def _prediction_with(
    x: Callable[[Any], Any] = lambda beta: beta / np.abs(beta).max(),
    penalty: Callable[[Any, Any], Any] = lambda ridge, epochs: (0, ridge),
    told: Callable[[Any, Any, Any], Any] = lambda level, slope, x: level,
) -> Callable[..., Any]:
    """A prediction, right but for one of: what is made of beta, what is charged, what is told of the line."""

    def prediction(beta: Any, accuracy: Any, ridge: Any) -> Any:
        scaled = x(beta)
        level, slope = _fitted(scaled, accuracy, penalty(ridge, len(beta)))
        return told(level, slope, scaled)

    return prediction


_still_moved = _prediction_with(x=lambda beta: (beta - beta.mean()) / np.abs(beta).max())  # mends the ridge only
_level_charged = _prediction_with(penalty=lambda ridge, epochs: (ridge, ridge))  # mends the moving only
_standard_scores = _prediction_with(x=lambda beta: (beta - beta.mean()) / beta.std())
_from_0_to_1 = _prediction_with(x=lambda beta: (beta - beta.min()) / np.ptp(beta))
_from_the_last = _prediction_with(x=lambda beta: (beta - beta[-1]) / np.abs(beta).max())
_not_scaled = _prediction_with(x=lambda beta: beta)
_by_the_largest = _prediction_with(x=lambda beta: beta / beta.max())
_by_the_first = _prediction_with(x=lambda beta: beta / beta[0])
_by_the_range = _prediction_with(x=lambda beta: beta / np.ptp(beta))
_by_the_spread = _prediction_with(x=lambda beta: beta / beta.std())
_sizes_of_beta = _prediction_with(x=lambda beta: np.abs(beta) / np.abs(beta).max())
_in_logarithms = _prediction_with(x=lambda beta: np.log(np.abs(beta) / np.abs(beta).max()))
_by_epoch = _prediction_with(x=lambda beta: np.arange(len(beta)))
_ridge_forgotten = _prediction_with(penalty=lambda ridge, epochs: (0, 0))
_ridge_squared = _prediction_with(penalty=lambda ridge, epochs: (0, ridge**2))
_ridge_for_each_epoch = _prediction_with(penalty=lambda ridge, epochs: (0, ridge * epochs))
_root_of_ridge = _prediction_with(penalty=lambda ridge, epochs: (0, ridge**0.5))
_ridge_on_the_level = _prediction_with(penalty=lambda ridge, epochs: (ridge, 0))
_at_the_largest = _prediction_with(told=lambda level, slope, x: level + slope)
_at_the_last = _prediction_with(told=lambda level, slope, x: level + slope * x[-1])
_slope_told = _prediction_with(told=lambda level, slope, x: slope)
_line_told = _prediction_with(told=lambda level, slope, x: (level, slope))
_cut_off = _prediction_with(told=lambda level, slope, x: min(level, 1.0))


def _mean_accuracy(beta: Any, accuracy: Any, ridge: Any) -> Any:
    return accuracy.mean()


def _last_accuracy(beta: Any, accuracy: Any, ridge: Any) -> Any:
    return accuracy[-1]


def _guarded(beta: Any, accuracy: Any, ridge: Any) -> Any:
    """A line that rises with beta is not believed: a sensible rule, and another one."""
    level, slope = _fitted(beta / np.abs(beta).max(), accuracy, (0, ridge))
    return level if slope < 0 else accuracy[-1]


def _where_the_line_is_0(beta: Any, accuracy: Any, ridge: Any) -> Any:
    """Accuracy and beta change places: the beta at which accuracy would be 0."""
    return prediction_at_zero(accuracy, beta, ridge)


def _through_the_origin(beta: Any, accuracy: Any, ridge: Any) -> Any:
    """A slope without a level: at 0 it tells 0."""
    x = beta / np.abs(beta).max()
    return 0 * (x @ accuracy) / (x @ x + ridge)


def _mean_not_put_back(beta: Any, accuracy: Any, ridge: Any) -> Any:
    return prediction_at_zero(beta, accuracy - accuracy.mean(), ridge)


def _slope_from_0(beta: Any, accuracy: Any, ridge: Any) -> Any:
    """The slope of a line through the origin, put through the means."""
    x = beta / np.abs(beta).max()
    return accuracy.mean() - (x @ accuracy) / (x @ x + ridge) * x.mean()


def _scaled_in_the_caller(beta: Any, accuracy: Any, ridge: Any) -> Any:
    beta /= np.abs(beta).max()
    return _fitted(beta, accuracy, (0, ridge))[0]


def _draw_epochs(beta: Floats, accuracy: Floats, ridge: float) -> tuple[Any, str]:
    from lessons.show import FAINT, INK, PALETTE, canvas

    level, slope = _fitted(beta / np.abs(beta).max(), accuracy, (0, ridge))
    ends = np.array([min(0, *beta), max(0, *beta)])
    fig, axes = canvas(4.6, 2.8)
    axes.axvline(0, color=FAINT)
    axes.plot(ends, level + slope * ends / np.abs(beta).max(), color=INK, linewidth=1, label="the line wanted")
    axes.plot(beta, accuracy, "o", color=PALETTE[0], label="epochs")
    axes.plot(0, level, "D", color=PALETTE[5], label="at beta = 0")
    axes.set(xlabel="beta", ylabel="accuracy", title=f"ridge = {ridge:g}")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return fig, f"Accuracies of {len(beta)} epochs over beta, and a line. Wanted: {level:.3f} at beta = 0."


PREDICTION = Exercise(
    id="neural_capacitance-3",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=2,
    minutes=5,
    cases=_epoch_cases,
    properties=(
        Property(
            says="the answer is one number",
            holds=lambda found, *rest: _is_real(found, ()),
            hints=(
                "One accuracy is predicted.",
                "Look at what you return: a line has two numbers.",
                "What the line tells where beta is 0 is its level.",
            ),
        ),
        Property(
            says="where all accuracies are the same, that is the prediction",
            holds=lambda found, beta, accuracy, ridge: np.ptp(accuracy) > 0 or _close(found, accuracy[0]),
            hints=(
                "A flat line fits perfectly, at no charge: its slope is 0.",
                "Look at what the ridge is charged for. Is it the level, too? Then the line is pulled down.",
                "The level is free: of the two on the diagonal only the slope's gets the ridge.",
            ),
        ),
        Property(
            says="with ridge 0 it is what the line of least squares tells at beta = 0",
            holds=lambda found, beta, accuracy, ridge: (
                ridge > 0 or _close(found, np.polyfit(beta, accuracy, 1)[1])
            ),
            hints=(
                "Where is beta = 0 on your axis?",
                "Look at x: is it 0 where beta is 0? If something is taken from beta, the level is told at "
                "another place. And the value may lie beyond all that was seen, even above 1.",
                "Beta may be divided, but nothing may be taken from it.",
            ),
        ),
        Property(
            says="where the largest |beta| is 1, ridge times slope² is added to the sum of squares",
            holds=lambda found, beta, accuracy, ridge: (
                np.abs(beta).max() != 1 or _close(found, prediction_at_zero(beta, accuracy, ridge))
            ),
            hints=(
                "A larger ridge makes the line flatter.",
                "Look at what stands before slope²: ridge itself, once, for all epochs together.",
                "On the diagonal of A.T @ A it is added at the place of the slope.",
            ),
        ),
        Property(
            says="beta in other units, or of another sign, gives the same: x is beta over its largest |beta|",
            holds=lambda found, beta, accuracy, ridge: _close(found, prediction_at_zero(beta, accuracy, ridge)),
            hints=(
                "The ridge is charged for the slope over x, so the units of x count.",
                "Look at what beta is divided by: the largest absolute value, also where betas are negative.",
                "The largest of np.abs(beta); the betas keep their signs.",
            ),
        ),
    ),
    reference=prediction_at_zero,
    wrong=(
        moved_prediction,
        _still_moved,
        _level_charged,
        _standard_scores,
        _from_0_to_1,
        _from_the_last,
        _not_scaled,
        _by_the_largest,
        _by_the_first,
        _by_the_range,
        _by_the_spread,
        _sizes_of_beta,
        _in_logarithms,
        _by_epoch,
        _ridge_forgotten,
        _ridge_squared,
        _ridge_for_each_epoch,
        _root_of_ridge,
        _ridge_on_the_level,
        _at_the_largest,
        _at_the_last,
        _slope_told,
        _line_told,
        _cut_off,
        _guarded,
        _mean_accuracy,
        _last_accuracy,
        _where_the_line_is_0,
        _through_the_origin,
        _mean_not_put_back,
        _slope_from_0,
        _scaled_in_the_caller,
    ),
    why=(
        "First slip: with the mean taken from beta, x = 0 is the mean beta, and the line tells the mean accuracy "
        "there, whatever the betas are. Second: the ridge is charged for the level as well, so the prediction is "
        "pulled towards an accuracy of 0. With both, the answer is the sum of the accuracies over epochs + ridge, "
        "and beta has no part in it. It would still rank networks fairly well, since who is better early is often "
        "better late: that the ranking looks good does not show that beta was used."
    ),
    draw=_draw_epochs,
    after="Needed again: `intercept` predicts so, and takes its ridge from the data. Noise stands beside it.",
)

# -------------------------------------------------------------------------------- 4: what beta_eff does

EARLY = (0.2, 0.5, 0.6, 0.6, 0.6)  # accuracies over noise
_TIMES = {2: ("twice", "Four"), 3: ("three times", "Nine"), 4: ("four times", "16")}  # the factor, its square


def _draw_four_layers() -> tuple[Any, str]:
    """What is asked about in (e): four layers of weights, between five of units."""
    return _draw_layers({at: np.ones((2, 2), np.int64) for at in range(1, 5)})


def _predicted(early: tuple[float, ...] = EARLY, factor: int = 2) -> Exercise:
    """With other accuracies, and errors that many times as large."""
    mean = round(sum(early) / len(early), 3)
    nine = (0, 1, 1, 1, 4, 0, factor, 0, mean)
    times, square = _TIMES[factor]

    def right(k: int) -> Callable[[Any], bool]:
        return lambda found: _close(found[k], nine[k])

    return Exercise(
        id="neural_capacitance-4",
        level="core",
        form="predict",
        difficulty=3,
        importance=3,
        minutes=7,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of nine numbers; (a) to (d) and (h) are 0 or 1",
                holds=lambda found: (
                    _is_real(found, (9,)) and all(float(found[k]) in (0, 1) for k in (0, 1, 2, 3, 7))
                ),
                hints=(
                    "One number for each letter, from a to i.",
                    "Count the numbers in your list, and look for inner brackets, words and quotation marks.",
                    "It looks like [a, b, c, d, e, f, g, h, i], with a number for each.",
                ),
            ),
            Property(
                says="(a) signed, three layers of weights, softmax and cross-entropy: 0 if always 0",
                holds=right(0),
                hints=(
                    "What do the errors of a sample add up to, if predictions and targets are chances?",
                    "Look at IN of layer 2: the errors of all outputs are added in it. Which layers count in "
                    "1'PP1?",
                    "Only layer 2 has both an IN and an OUT; predictions less targets add up to 1 - 1.",
                ),
            ),
            Property(
                says="(b) signed, three layers of weights, squared error: 0 if always 0",
                holds=right(1),
                hints=(
                    "Why is (a) as it is? Does the reason hold here?",
                    "Look at the errors of the outputs: nothing makes their sum any number in particular.",
                    "Outputs that are all too large have errors that are all above 0.",
                ),
            ),
            Property(
                says="(c) signed, four layers of weights, softmax and cross-entropy: 0 if always 0",
                holds=right(2),
                hints=(
                    "One layer more has both an IN and an OUT.",
                    "Look at layer 2 now: whose errors are added in its IN? Not those of the outputs.",
                    "Errors of hidden units went through weights; they do not add up to 0.",
                ),
            ),
            Property(
                says="(d) with absolute values, three layers of weights, softmax and cross-entropy: 0 if always 0",
                holds=right(3),
                hints=(
                    "Numbers cancel if their signs differ.",
                    "Look at the sum of |prediction - target| over the outputs of a sample.",
                    "It is above 0 unless every prediction is exactly its target.",
                ),
            ),
            Property(
                says="(e) four layers of weights: the first power of P that is 0 whatever the weights",
                holds=right(4),
                hints=(
                    "An entry of P links two layers; one of P² takes two such steps.",
                    "Look at the picture: how many steps lead from a synapse of layer 1 to one of layer 4?",
                    "As many as there are gaps between four layers; one power more has nowhere to go.",
                ),
            ),
            Property(
                says="(f) the largest |eigenvalue| of that P",
                holds=right(5),
                hints=(
                    "Suppose P v is a multiple of v. What is P² v, and P³ v?",
                    "Look at your answer to (e): what must become of the multiple when it is taken that often?",
                    "A number, one power of which is 0.",
                ),
            ),
            Property(
                says=f"(g) errors of the outputs {times} as large: the factor of beta_eff",
                holds=right(6),
                hints=(
                    "How often does d stand in an entry of P, and so in 1'PP1, and in 1'P1?",
                    f"Look at backpropagation: if d of the outputs is {times} as large, what of the d of all "
                    "layers?",
                    f"{square} times as much, over {times} as much.",
                ),
            ),
            Property(
                says="(h) the gradient is exactly 0: 1 if absolute beta_eff is then 0, whatever the samples",
                holds=right(7),
                hints=(
                    "There are two ways for a gradient to be 0.",
                    "Look at two samples with the same input and different labels: can both errors be 0? Can "
                    "their parts in the gradient cancel?",
                    "The absolute beta takes |d| of each sample, and nothing cancels in it.",
                ),
            ),
            Property(
                says="(i) five accuracies over noise, slope 0: what the line tells at noise = 0",
                holds=right(8),
                hints=(
                    "A flat line tells the same everywhere.",
                    "Look at the level of a flat line that fits best: what is the ridge charged for, and what "
                    "not?",
                    "The level with the least sum of squares; no epoch counts more than another.",
                ),
            ),
        ),
        reference=list(nine),
        wrong=(
            list(nine[:8]),
            [list(nine[:4]), list(nine[4:])],
            [*nine[:7], 0.5, mean],
            [1, *nine[1:]],  # weights were thought to matter
            [0, 0, *nine[2:]],  # three layers, so as before
            [0, 1, 0, *nine[3:]],  # softmax, so as before
            [0, 1, 1, 0, *nine[4:]],  # as without absolute values
            [0, 1, 1, 1, 3, *nine[5:]],  # the last power that is not
            [0, 1, 1, 1, 5, *nine[5:]],  # layers of units
            [0, 1, 1, 1, 2, *nine[5:]],  # neighbours only
            [0, 1, 1, 1, 4, 1, *nine[6:]],  # as of a network that neither grows nor decays
            [0, 1, 1, 1, 4, 0.5, *nine[6:]],
            [0, 1, 1, 1, 4, 0, 1, *nine[7:]],  # a ratio, so that it cancels
            [0, 1, 1, 1, 4, 0, factor**2, *nine[7:]],  # the numerator alone
            [0, 1, 1, 1, 4, 0, 1 / factor, *nine[7:]],
            [0, 1, 1, 1, 4, 0, factor**4, *nine[7:]],  # once more for each layer
            [*nine[:7], 1, mean],  # at rest, so converged, so 0
            [*nine[:8], early[2]],  # the middle one
            [*nine[:8], early[-1]],  # the last
            [*nine[:8], early[0]],  # the first
            [*nine[:8], 0],  # no slope, so nothing
            [*nine[:8], 1],  # as if at 0 all were learned
            [*nine[:8], sum(early)],  # not divided
        ),
        why=(
            "With softmax the predictions of a sample add up to 1, and so does its target: the errors of the "
            "outputs cancel, and with three layers nothing else is left in 1'PP1. Squared errors, a fourth layer "
            "or absolute values end that. P leads from each layer to the next and nowhere else. So P⁴ is 0 for "
            "four layers, all eigenvalues are 0, and beta_eff, which is not, is no eigenvalue. Errors stand "
            "twice in 1'PP1 and once in 1'P1: beta falls with the errors of the samples. A gradient is also 0 "
            "where these only cancel one another, as those of one input under two labels do, and then beta "
            "stays. And a line over noise, made flat by its ridge, tells the mean of what was seen."
        ),
        draw=_draw_four_layers,
        after="Needed again: each of these is now shown, and the noise stands beside beta in all that follows.",
        varied=_other_predictions,
    )


def _told(early: tuple[float, ...], factor: int) -> list[str]:
    """What the statement says of them."""
    accuracies = ", ".join(map(str, early))
    return [f"become {_TIMES[factor][0]} as large in each sample", f"Accuracies of five epochs, {accuracies}, are"]


def _other_predictions(rng: Generator) -> Variant:
    """The accuracies rise, and their mean is neither the first nor the last nor the middle one."""
    early = EARLY
    while sum(early) / 5 in early or early == EARLY:
        early = tuple(sorted((rng.integers(1, 9, 5) / 10).tolist()))
    factor = int(rng.integers(3, 5))
    return Variant(_predicted(early, factor), dict(zip(_told(EARLY, 2), _told(early, factor), strict=True)))


PREDICTED = _predicted()
NINE = tuple(PREDICTED.reference)

# -------------------------------------------------------------------------------- 5: sums of P without P

Sums = tuple["Floats", "Floats"]
Between = tuple["Floats", "Floats", "Floats", "NDArray[np.int64]", "NDArray[np.int64]"]


def _between_cases(rng: Generator) -> Iterator[Between]:
    """One sample and one unit each; one sample; several samples; and then synapses are missing."""
    for _ in range(4):
        yield _between(rng, 1, (1, 1, 1))
    for sizes in ((1, 1, 2), (2, 1, 1), (2, 1, 3), (1, 2, 2), (2, 2, 1), (3, 2, 2), (2, 3, 4)):
        yield _between(rng, 1, sizes)
    for samples in (2, 3, 5):
        for sizes in ((1, 1, 1), (2, 1, 2), (2, 2, 2), (3, 2, 4)):
            yield _between(rng, samples, sizes)
    for samples in (1, 2, 4):
        for sizes in ((2, 2, 2), (3, 2, 2), (2, 3, 3), (2, 4, 3), (4, 3, 2)):
            yield _between(rng, samples, sizes, missing=0.4)


def _between(rng: Generator, samples: int, sizes: tuple[int, int, int], missing: float = 0.0) -> Between:
    below, here, above = sizes
    z = rng.integers(1, 7, (samples, below)) / 2
    slope = rng.choice([0.25, 0.5, 0.75, 1.0], (samples, here))
    slope[:, 0] = rng.choice([0.25, 0.5, 0.75])
    d = rng.choice([-4, -3, -2, -1, 1, 2, 3, 5], (samples, above)) / 10
    while True:
        mask, next_mask = (rng.random(shape) >= missing for shape in ((here, below), (above, here)))
        lost = [not all(part.any(axis=axis).all() for axis in (0, 1)) for part in (mask, next_mask)]
        if not any(lost) and (not missing or not (mask.all() or next_mask.all())):
            return z, slope, d, mask.astype(np.int64), next_mask.astype(np.int64)


def sums_between(z: Floats, slope: Floats, d: Floats, mask: Any, next_mask: Any) -> Sums:
    ahead = d @ next_mask
    behind = z @ mask.T
    IN = -((slope * ahead).T @ z) * mask
    OUT = -(d.T @ (slope * behind)) * next_mask
    return IN, OUT


def _by_entries(z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> Any:
    """P between the two layers, as [k, j, i]; 0 where a synapse is missing."""
    P = -np.einsum("bj,bi,bk->kji", slope, z, d)
    return P * mask * next_mask[:, :, None]


def _across(a: Any, b: Any) -> Any:
    return a.T @ b


def _kept(sums: Any, mask: Any) -> Any:
    return sums * mask


def _sums_with(
    ahead: Callable[[Any, Any], Any] = lambda d, next_mask: d @ next_mask,
    behind: Callable[[Any, Any], Any] = lambda z, mask: z @ mask.T,
    slopes: Callable[[Any], Any] = lambda slope: slope,
    over: Callable[[Any, Any], Any] = _across,
    sign: int = -1,
    kept: Callable[[Any, Any], Any] = _kept,
) -> Callable[..., Any]:
    """Sums that are right but for one of: the errors ahead of a unit, what it reads, its slope, how samples are
    added up, the sign, and what is done where no synapse is."""

    def sums(z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> Any:
        gone = slopes(slope) * ahead(d, next_mask)
        come = slopes(slope) * behind(z, mask)
        return kept(sign * over(gone, z), mask), kept(sign * over(d, come), next_mask)

    return sums


_no_minus = _sums_with(sign=1)
_mean_of_samples = _sums_with(over=lambda a, b: a.T @ b / len(a))
_means_multiplied = _sums_with(over=lambda a, b: len(a) * np.outer(a.mean(axis=0), b.mean(axis=0)))
_sums_multiplied = _sums_with(over=lambda a, b: np.outer(a.sum(axis=0), b.sum(axis=0)))
_first_sample = _sums_with(over=lambda a, b: np.outer(a[0], b[0]))
_sizes = _sums_with(over=lambda a, b: -np.abs(a).T @ np.abs(b))
_slope_forgotten = _sums_with(slopes=lambda slope: np.ones_like(slope))
_slope_twice = _sums_with(slopes=lambda slope: slope**2)
_slope_of_relu = _sums_with(slopes=lambda slope: (slope > 0).astype(float))
_mean_ahead = _sums_with(ahead=lambda d, next_mask: d @ next_mask / next_mask.sum(axis=0))
_mean_behind = _sums_with(behind=lambda z, mask: z @ mask.T / mask.sum(axis=1))
_nothing_added_ahead = _sums_with(ahead=lambda d, next_mask: d[:, :1] * next_mask[0])
_nothing_added_behind = _sums_with(behind=lambda z, mask: z[:, :1] * mask[:, 0])
_all_ahead = _sums_with(ahead=lambda d, next_mask: d.sum(axis=1, keepdims=True))
_all_behind = _sums_with(behind=lambda z, mask: z.sum(axis=1, keepdims=True))
_everywhere = _sums_with(kept=lambda sums, mask: sums)
_mask_turned = _sums_with(behind=lambda z, mask: z @ mask)
_masks_never = _sums_with(
    ahead=lambda d, next_mask: d.sum(axis=1, keepdims=True),
    behind=lambda z, mask: z.sum(axis=1, keepdims=True),
    kept=lambda sums, mask: sums,
)


def _slope_in_one(z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> Any:
    IN, _ = sums_between(z, slope, d, mask, next_mask)
    return IN, _slope_forgotten(z, slope, d, mask, next_mask)[1]


def _errors_for_sums(z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> Any:
    """OUT as the gradient has it: by what unit j sends, not by what it reads."""
    IN, _ = sums_between(z, slope, d, mask, next_mask)
    sent = slope * (z @ mask.T)
    return IN, -(d * d.sum(axis=1, keepdims=True)).T @ sent * next_mask


def _out_before_in(*given: Any) -> Any:
    return sums_between(*given)[::-1]


def _turned(*given: Any) -> Any:
    return tuple(part.T for part in sums_between(*given))


def _only_totals(*given: Any) -> Any:
    return tuple(part.sum() for part in sums_between(*given))


def _P_itself(*given: Any) -> Any:
    return _by_entries(*given)


def _scaled_in_d(z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> Any:
    d *= -1
    IN, OUT = sums_between(z, slope, d, mask, next_mask)
    return -IN, -OUT


def _none_missing(mask: Any, next_mask: Any) -> bool:
    return bool(mask.all() and next_mask.all())


def _sums_right(asks: Callable[..., bool], which: tuple[int, ...] = (0, 1)) -> Callable[..., bool]:
    """A property's `holds`: IN (0) and OUT (1) are right, in the cases for which asks(z, mask, next_mask)."""

    def holds(found: Any, z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> bool:
        wanted = sums_between(z, slope, d, mask, next_mask)
        asked = asks(z, mask, next_mask)
        return not asked or all(np.allclose(found[k], wanted[k], rtol=1e-6, atol=1e-9) for k in which)

    return holds


def _are_sums(found: Any, z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> bool:
    return len(found) == 2 and _is_real(found[0], mask.shape) and _is_real(found[1], next_mask.shape)


def _nothing_where_no_synapse_is(found: Any, z: Any, slope: Any, d: Any, mask: Any, next_mask: Any) -> bool:
    return not any(
        np.asarray(part)[where == 0].any() for part, where in zip(found, (mask, next_mask), strict=True)
    )


def _draw_between(z: Floats, slope: Floats, d: Floats, mask: Any, next_mask: Any) -> tuple[Any, str]:
    return _draw_layers({1: mask, 2: next_mask})


SHAPES_DO_NOT_FIT = replace(
    RUNS,
    hints=(
        "The message names two shapes: each axis counts samples, or the units of one of three layers.",
        "Look at the axes: z, slope and d have a row for each sample, the masks a row for each receiver.",
        "Write down (samples, j) for what belongs to the middle units; `d @ next_mask` has that shape.",
    ),
)

SUMS = Exercise(
    id="neural_capacitance-5",
    level="stretch",
    form="implement",
    difficulty=3,
    importance=1,
    minutes=10,
    cases=_between_cases,
    properties=(
        Property(
            says="the answer is two arrays: IN, shaped like mask, and OUT, shaped like next_mask",
            holds=_are_sums,
            hints=(
                "A number for each synapse of the first layer, and one for each of the next.",
                "Look at the shapes: rows are receivers in both, and IN comes first.",
                "If yours is turned, use the other factor's .T in the product over samples.",
            ),
        ),
        Property(
            says="one sample, one unit in each layer: P has one entry, -slope z d, and both sums are that",
            holds=_sums_right(lambda z, mask, next_mask: z.size == mask.size == next_mask.size == 1),
            hints=(
                "With a single entry there is nothing to add up.",
                "Look at the sign, and at the slope: is it there, once, in both sums?",
                "Minus slope times z times d, for IN and for OUT.",
            ),
        ),
        Property(
            says="one sample, no synapse missing: IN adds up row by row",
            holds=_sums_right(lambda z, mask, next_mask: len(z) == 1 and _none_missing(mask, next_mask), (0,)),
            hints=(
                "In row (j, i) of P only k varies.",
                "Look at which of slope, z and d depend on k: what is their sum over k?",
                "The errors of the next layer, added; they are multiplied with the slope of j and the z of i.",
            ),
        ),
        Property(
            says="one sample, no synapse missing: OUT adds up column by column",
            holds=_sums_right(lambda z, mask, next_mask: len(z) == 1 and _none_missing(mask, next_mask), (1,)),
            hints=(
                "In column (k, j) of P only i varies.",
                "Look at which of slope, z and d depend on i: what is their sum over i?",
                "What the first layer reads, added; it is multiplied with the slope of j and the d of k.",
            ),
        ),
        Property(
            says="several samples, no synapse missing: products are made sample by sample, then added",
            holds=_sums_right(lambda z, mask, next_mask: _none_missing(mask, next_mask)),
            hints=(
                "The sum of products is not the product of sums.",
                "Look at where samples are added up: once, at the end, and not divided by their number, as d is a "
                "part of the mean loss.",
                "A product of matrices, one of them turned, adds over samples.",
            ),
        ),
        Property(
            says="where there is no synapse, the sum is 0",
            holds=_nothing_where_no_synapse_is,
            hints=(
                "A synapse that is missing has no row and no column in P.",
                "Look at the places of your arrays where a mask is 0.",
                "Multiply IN with its mask, and OUT with the other.",
            ),
        ),
        Property(
            says="where synapses are missing, only those that are there are added",
            holds=_sums_right(lambda z, mask, next_mask: True),
            hints=(
                "A unit j leads to some k only, and reads some i only.",
                "Look at your sums over k and over i: they are the same for all j. May they be?",
                "For each sample and each j: the d of those k with next_mask[k, j] = 1, the z of those i with "
                "mask[j, i] = 1. Both are products with a mask.",
            ),
        ),
    ),
    reference=sums_between,
    wrong=(
        _no_minus,
        _mean_of_samples,
        _means_multiplied,
        _sums_multiplied,
        _first_sample,
        _sizes,
        _slope_forgotten,
        _slope_twice,
        _slope_of_relu,
        _mean_ahead,
        _mean_behind,
        _nothing_added_ahead,
        _nothing_added_behind,
        _all_ahead,
        _all_behind,
        _everywhere,
        _mask_turned,
        _masks_never,
        _slope_in_one,
        _errors_for_sums,
        _out_before_in,
        _turned,
        _only_totals,
        _P_itself,
        _scaled_in_d,
    ),
    why=(
        "An entry is a product of three factors, and k stands in one of them only, so the sum over k goes inside: "
        "slope times z times the errors added up. The same with i for the columns. So P is never made: between "
        "layers of n units it has n³ entries, the sums have n², and take as long as one more step of "
        "backpropagation. IN and OUT add up to the same number, the sum of all entries between the two layers. "
        "1'P1 is the sum of all IN; 1'PP1 adds IN times OUT over all synapses that have both. Samples must be "
        "added last: means multiplied would be another P."
    ),
    draw=_draw_between,
    raised={ValueError: SHAPES_DO_NOT_FIT},
    after="Needed again: `in_out_sums` gives these for each layer, and beta_eff is made of nothing else.",
)

EXERCISES = (PARTS, LINKS, PREDICTION, PREDICTED, SUMS)
