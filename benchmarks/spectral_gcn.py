"""An epoch of graph convolutional networks of two layers, 16 hidden units, beside those who do the same.

An epoch is forward, cross-entropy on the training nodes, backward and a step of Adam with rate 0.01 and weight
decay 5e-4 on the first layer's weights; dropout 0.5 before each layer, X a sparse bag of words. A call takes some
epochs. All start from the same weights: three losses without dropout are compared with NumPy in float64, to 1e-4.

- "whole graph": every node's scores are computed, as the peers' own examples do.
- "in focus": ours computes only what the training nodes see; peers in focus do so, too.
- PyTorch keeps X in compressed sparse rows of 32-bit indices and drops stored values: of rows of 32 and 64 bits,
  coordinates, dense X and `embedding_bag` that is what its autograd does fastest here. "by hand": the way
  back through both products is written out with matrices transposed beforehand, and Adam is its fused one.
- PyTorch Geometric is its `GCNConv(cached=True)` on an `edge_index` and dense X, as its documentation has it;
  "sparse" its fastest way, with X and the graph in compressed sparse rows. Its `ChebConv` takes a dense X.

Cora and Citeseer (this one without its 124 self-loops, which PyTorch Geometric counts otherwise) are skipped by
name unless LESSONS_DATA names a folder with them. The random graph has Cora's size, a similar spread of degrees
and of words, and no communities. For what the networks get right, see `--accuracy` and `_citations.py`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case, Skipped
from benchmarks._inputs import sized
from lessons import Graph, as_graph

HIDDEN, RATE, DECAY, DROPOUT = 16, 0.01, 5e-4, 0.5
CHECKED = 3  # losses
CLOSE = 1e-4
WORDS, CLASSES, VALIDATION = 1_433, 7, 500  # of the random graph; nodes to validate on
PLANETOID = {"Cora": (2_708, 5_278), "Citeseer": (3_327, 4_552)}

Array = NDArray[Any]
Weights = list[tuple[Array, Array]]  # of each layer W (terms, out, in) and b (out,)
Step = Callable[[], Any]  # trains once and gives the loss before
Builder = Callable[["Problem", float], Step]  # of a problem and a dropout


@dataclass(frozen=True)
class Problem:
    """Classes `y` (n,), to be learned where the masks `train` and `validation` say, starting from `weights`."""

    graph: Graph
    X: Any
    y: NDArray[np.int64]
    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    weights: Weights

    @property
    def sizes(self) -> list[int]:
        return [self.weights[0][0].shape[2], *(b.size for _, b in self.weights)]


def cases(scale: float) -> Iterator[Case]:
    for name, size in PLANETOID.items():
        yield from cases_of(name, *size, partial(planetoid_problem, name), scale)
    graph = random_problem(scale, 0).graph
    yield from cases_of("random graph", graph.n, graph.m, partial(random_problem, scale), scale)


def cases_of(name: str, n: int, m: int, problem: Callable[[int], Problem], scale: float) -> Iterator[Case]:
    case = partial(epochs_case, name, n, m, repeats=31 if scale == 1 else 1)
    gcn, whole = partial(problem, 0), {"scipy": by_scipy, "torch": by_torch}
    yield case("GCN whole graph", gcn, by_lessons, whole)
    yield case("GCN in focus", gcn, ours_in_focus, whole)
    yield case("GCN whole graph peer by hand", gcn, by_lessons, {"torch": partial(by_torch, by_hand=True)})
    yield case("GCN in focus peer in focus", gcn, ours_in_focus, {"torch": partial(by_torch, focus=True)})
    in_focus = {"scipy": partial(by_scipy, focus=True), "torch": partial(by_torch, by_hand=True, focus=True)}
    yield case("GCN in focus peers by hand in focus", gcn, ours_in_focus, in_focus)
    geometric, sparse = {"torch_geometric": by_geometric}, {"torch_geometric": partial(by_geometric, sparse=True)}
    yield case("GCN whole graph", gcn, by_lessons, geometric, epochs=5)
    yield case("GCN in focus", gcn, ours_in_focus, geometric, epochs=5)
    yield case("GCN whole graph peer sparse", gcn, by_lessons, sparse)
    yield validated_case(name, n, m, gcn, 31 if scale == 1 else 1)
    cheb = partial(problem, 2)
    yield case("ChebNet order 2 whole graph", cheb, by_lessons, geometric, epochs=2)
    yield case("ChebNet order 2 in focus", cheb, ours_in_focus, geometric, epochs=2)


def epochs_case(
    name: str,
    n: int,
    m: int,
    variant: str,
    problem: Callable[[], Problem],
    ours: Builder,
    peers: dict[str, Builder],
    epochs: int = 20,
    *,
    repeats: int,
) -> Case:
    return Case(
        input=name,
        n=n,
        m=m,
        function="epoch",
        variant=f"{variant} {epochs} epochs",
        ours=partial(ready, problem, ours, epochs),
        peers={peer: partial(ready, problem, builder, epochs) for peer, builder in peers.items()},
        right=partial(is_right, problem),
        repeats=max(1, repeats * epochs // 20),
    )


def ready(problem: Callable[[], Problem], builder: Builder, epochs: int) -> Call:
    """The call that trains; it answers with the first losses without dropout, and the very first one with it."""
    given = problem()
    checked = builder(given, 0.0)
    losses = [float(checked()) for _ in range(CHECKED)]
    step = builder(given, DROPOUT)
    dropped = float(step())

    def call() -> tuple[list[float], float]:
        for _ in range(epochs):
            step()
        return losses, dropped

    return call


def is_right(problem: Callable[[], Problem], answer: tuple[list[float], float]) -> bool:
    """Whether these are the losses of NumPy in float64, and dropout changes them."""
    losses, dropped = answer
    known = reference(problem)
    return bool(np.abs(np.subtract(losses, known)).max() < CLOSE and dropped != losses[0] and np.isfinite(dropped))


@lru_cache(maxsize=1)
def reference(problem: Callable[[], Problem]) -> list[float]:
    step = by_scipy(problem(), 0.0, dtype=np.float64)
    return [float(step()) for _ in range(CHECKED)]


# ---------------------------------------------------------------------------------------- what is learned


@lru_cache(maxsize=2)
def planetoid_problem(name: str, order: int) -> Problem:
    from lessons.datasets import planetoid

    if not Path(os.environ.get("LESSONS_DATA", ""), "planetoid", f"ind.{name.lower()}.graph").is_file():
        raise Skipped(f"LESSONS_DATA names no folder with planetoid/ind.{name.lower()}.graph")
    data = planetoid(name.lower())
    ends = np.array(data.graph.edges())
    graph = as_graph(ends[ends[:, 0] != ends[:, 1]], n=data.graph.n)
    return problem_of(graph, data.X, data.y, data.train, data.validation, order)


@lru_cache(maxsize=2)
def random_problem(scale: float, order: int) -> Problem:
    """A graph and words of Cora's size: chances of nodes and of words fall with a power of their rank."""
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    n, m = sized(*PLANETOID["Cora"], scale)
    hubs = (np.arange(n) + 1.4) ** -0.6
    ends = rng.choice(n, (10 * m, 2), p=hubs / hubs.sum())
    ends[:n, 0] = np.arange(n)  # nobody is alone: what a normalised Laplacian is there, libraries disagree on
    ends[0, 1], ends[1:n, 1] = 1, ends[1:n, 1] % np.arange(1, n)
    pairs, first = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0, return_index=True)
    graph = as_graph(pairs[np.argsort(first)[:m]], n=n)
    frequent = (np.arange(WORDS) + 8.0) ** -1
    lengths = np.clip(rng.normal(19.2, 5.8, n), 2, 30).astype(int)
    row = np.repeat(np.arange(n), lengths)
    X = csr_array((np.ones(len(row)), (row, rng.choice(WORDS, len(row), p=frequent / frequent.sum()))), (n, WORDS))
    y, order_of_nodes = rng.integers(0, CLASSES, n), rng.permutation(n)
    train, validation = np.zeros((2, n), np.bool_)
    train[order_of_nodes[: max(2, round(140 * n / 2_708))]] = True
    validation[order_of_nodes[-max(2, round(VALIDATION * n / 2_708)) :]] = True
    return problem_of(graph, (X > 0).astype(np.float32), y, train, validation, order)


def problem_of(
    graph: Graph, X: Any, y: Array, train: NDArray[np.bool_], validation: NDArray[np.bool_], order: int
) -> Problem:
    """With weights for a GCN (order 0), or for a ChebNet of that order."""
    from lessons.spectral_gcn import row_normalised

    rng = np.random.default_rng(1)
    weights: Weights = []
    for n_in, n_out in ((X.shape[1], HIDDEN), (HIDDEN, int(y.max()) + 1)):
        W = rng.uniform(-1, 1, (order + 1, n_out, n_in)) * (6 / (n_in + n_out)) ** 0.5
        weights.append((W.astype(np.float32), np.zeros(n_out, np.float32)))
    return Problem(graph, row_normalised(X), y, train, validation, weights)


@dataclass(frozen=True)
class Seen:
    """The rows of X that count, and for each layer the matrices that pass them on, one for each term of its W.

    `rows` of the result are those of the training nodes.
    """

    X: Any
    layers: tuple[list[Any], list[Any]]
    rows: NDArray[np.int64]


def seen(problem: Problem, focus: bool) -> Seen:
    """All, or in focus what the training nodes depend on."""
    passed, rows = passes(problem), np.flatnonzero(problem.train)
    if not focus:
        return Seen(problem.X, (passed, passed), rows)
    inner = reach(passed, rows)
    outer = reach(passed, inner)
    layers = [P[inner][:, outer] for P in passed], [P[rows][:, inner] for P in passed]
    return Seen(problem.X[outer], layers, np.arange(len(rows)))


def reach(passed: list[Any], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([P[rows].indices for P in passed]))


def passes(problem: Problem) -> list[Any]:
    """S of a GCN; of a ChebNet T_k(L - I), where L - I = -D^(-1/2) A D^(-1/2)."""
    from scipy.sparse import diags_array, eye_array

    terms, eye = len(problem.weights[0][0]), eye_array(problem.graph.n, format="csr")
    A = problem.graph.to_scipy() + (eye if terms == 1 else 0 * eye)
    d = A.sum(axis=1)
    root = diags_array(np.where(d > 0, 1 / np.sqrt(np.maximum(d, 1)), 0))
    S = (root @ A @ root).tocsr()
    if terms == 1:
        return [S]
    found = [eye, -S]
    while len(found) < terms:
        found.append((-2 * S @ found[-1] - found[-2]).tocsr())
    return found


# ---------------------------------------------------------------------------------------- by lessons


def by_lessons(problem: Problem, dropout: float, focus: bool = False) -> Step:
    from lessons.backpropagation import Adam, cross_entropy

    model = model_of(problem, dropout)
    optimiser = Adam(model.parameters(), RATE, weight_decay=[DECAY, 0.0, 0.0, 0.0])
    labels = problem.y[problem.train]
    scores = model.focus(problem.graph, problem.X, problem.train) if focus else partial(whole, model, problem)

    def step() -> Any:
        optimiser.zero_grad()
        loss = cross_entropy(scores(), labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


ours_in_focus = partial(by_lessons, focus=True)


def whole(model: Any, problem: Problem) -> Any:
    return model(problem.graph, problem.X)[problem.train]


def model_of(problem: Problem, dropout: float) -> Any:
    """A GCN or ChebNet with the problem's weights."""
    from lessons.spectral_gcn import GCN, ChebNet

    order = len(problem.weights[0][0]) - 1
    kind = partial(ChebNet, order=order) if order else GCN
    model = kind(problem.sizes, dropout=dropout, seed=0)
    for conv, (W, b) in zip(model.convs, problem.weights, strict=True):
        conv.W.data, conv.b.data = (W if order else W[0]).copy(), b.copy()
    return model.train()


# ---------------------------------------------------------------------------------------- by NumPy and SciPy


def by_scipy(
    problem: Problem,
    dropout: float,
    focus: bool = False,
    dtype: type = np.float32,
    weights: Weights | None = None,
) -> Step:
    """The same written out, all derivatives by hand. Moves `weights`, if given, in place."""
    view, labels, rng = seen(problem, focus), problem.y[problem.train], np.random.default_rng(2)
    X = view.X.astype(dtype)
    (first, first_back), (second, second_back) = (
        ([P.astype(dtype) for P in passed], [P.T.tocsr().astype(dtype) for P in passed]) for passed in view.layers
    )
    (W1, b1), (W2, b2) = weights = weights or in_type(problem.weights, dtype)
    move = adam([array for pair in weights for array in pair])

    def step() -> float:
        dropped = X
        if dropout:
            dropped = type(X)((X.data * kept(X.data, dropout, rng), X.indices, X.indptr), shape=X.shape)
        hidden = sum(P @ (dropped @ W.T) for P, W in zip(first, W1, strict=True)) + b1
        mask = (hidden > 0) * kept(hidden, dropout, rng)
        hidden = hidden * mask
        z = sum(P @ (hidden @ W.T) for P, W in zip(second, W2, strict=True)) + b2
        loss, slope = cross_entropy_of(labels, z[view.rows])
        g = np.zeros_like(z)
        g[view.rows] = slope
        back = [P @ g for P in second_back]
        g1 = sum(part @ W for part, W in zip(back, W2, strict=True)) * mask
        dW2, db2 = np.stack([part.T @ hidden for part in back]), g.sum(axis=0)
        dW1, db1 = np.stack([(dropped.T @ (P @ g1)).T for P in first_back]), g1.sum(axis=0)
        move([dW1 + DECAY * W1, db1, dW2, db2])
        return loss

    return step


def in_type(weights: Weights, dtype: type) -> Weights:
    return [(W.astype(dtype), b.astype(dtype)) for W, b in weights]


def kept(values: Array, dropout: float, rng: np.random.Generator) -> Array:
    """What dropout multiplies with: 0, or 1 / (1 - dropout)."""
    if not dropout:
        return np.ones_like(values)
    return (rng.random(values.shape, np.float32) >= dropout) * values.dtype.type(1 / (1 - dropout))


def cross_entropy_of(labels: Array, z: Array) -> tuple[float, Array]:
    power = np.exp(z - z.max(axis=1, keepdims=True))
    p = power / power.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(-np.log(p[rows, labels]).mean())
    p[rows, labels] -= 1
    return loss, p / len(labels)


def adam(arrays: list[Array]) -> Callable[[list[Array]], None]:
    """Adam with its usual betas, in place."""
    means, sizes = ([np.zeros_like(array) for array in arrays] for _ in range(2))
    count = 0

    def move(slopes: list[Array]) -> None:
        nonlocal count
        count += 1
        for array, slope, mean, size in zip(arrays, slopes, means, sizes, strict=True):
            mean += 0.1 * (slope - mean)
            size += 0.001 * (slope * slope - size)
            array -= RATE / (1 - 0.9**count) * mean / (np.sqrt(size / (1 - 0.999**count)) + 1e-8)

    return move


# ---------------------------------------------------------------------------------------- by PyTorch


def by_torch(problem: Problem, dropout: float, by_hand: bool = False, focus: bool = False) -> Step:
    torch, F = quiet_torch()
    view = seen(problem, focus)
    (W1, b1), (W2, b2) = torch_weights(problem)
    optimiser = torch_adam(W1, [b1, W2, b2], fused=by_hand)
    features = sparse_features(view.X, by_hand)
    (S1,), (S2,) = ([passing(P, by_hand) for P in passed] for passed in view.layers)
    rows, labels = torch.from_numpy(view.rows), torch.from_numpy(problem.y[problem.train])

    def step() -> Any:
        optimiser.zero_grad()
        hidden = F.relu(S1(features(dropout, W1)) + b1)
        z = S2(F.dropout(hidden, dropout) @ W2) + b2
        loss = F.cross_entropy(z[rows] if len(rows) < len(z) else z, labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def quiet_torch() -> tuple[Any, Any]:
    """PyTorch and its functions, held to as many threads as all others, without its notes on sparse matrices."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.sparse.check_sparse_tensor_invariants.disable()
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    return torch, functional


def torch_weights(problem: Problem) -> list[tuple[Any, Any]]:
    """Leaves (in, out) and (out,) of each layer of a GCN."""
    import torch

    return [
        (torch.tensor(W[0].T.copy(), requires_grad=True), torch.tensor(b, requires_grad=True))
        for W, b in problem.weights
    ]


def torch_adam(decaying: Any, others: list[Any], fused: bool = False) -> Any:
    import torch

    groups = [{"params": [decaying], "weight_decay": DECAY}, {"params": others}]
    return torch.optim.Adam(groups, lr=RATE, fused=fused)


def sparse_features(X: Any, by_hand: bool) -> Callable[[float, Any], Any]:
    """X @ W with some of X's values dropped; by hand with X transposed beforehand, whose values follow."""
    import torch
    from torch.nn import functional as F

    values = torch.from_numpy(X.data)
    turned = type(X)((np.arange(X.nnz), X.indices, X.indptr), shape=X.shape).T.tocsr()
    place = torch.from_numpy(turned.data.astype(np.int64))

    def product(dropout: float, W: Any) -> Any:
        left = F.dropout(values, dropout)
        if not by_hand:
            return rows_of(X, left) @ W
        return product_by_hand()(rows_of(X, left), rows_of(turned, left[place]), W)

    return product


def passing(P: Any, by_hand: bool) -> Callable[[Any], Any]:
    """P @ H."""
    import torch

    turned = P.T.tocsr()
    matrix = rows_of(P, torch.from_numpy(P.data.astype(np.float32)))
    back = rows_of(turned, torch.from_numpy(turned.data.astype(np.float32)))
    return partial(product_by_hand(), matrix, back) if by_hand else lambda H: matrix @ H


def rows_of(A: Any, values: Any) -> Any:
    """Compressed sparse rows of 32-bit indices with these values."""
    import torch

    indptr, indices = (torch.from_numpy(part.astype(np.int32, copy=False)) for part in (A.indptr, A.indices))
    return torch.sparse_csr_tensor(indptr, indices, values, A.shape, check_invariants=False)


@lru_cache(maxsize=1)
def product_by_hand() -> Any:
    """A @ B of a constant sparse A, whose backward pass is given its transpose."""
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, A: Any, turned: Any, B: Any) -> Any:
            ctx.turned = turned
            return A @ B

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return None, None, ctx.turned @ g

    return Product.apply


# ---------------------------------------------------------------------------------------- by PyTorch Geometric


def by_geometric(problem: Problem, dropout: float, sparse: bool = False) -> Step:
    import_module("torch_geometric")  # first, so that it is what is missed
    torch, F = quiet_torch()
    graph, (first, second) = problem.graph, geometric_layers(problem)
    A = graph.to_scipy().astype(np.float32)
    X = torch.from_numpy(problem.X.data if sparse else problem.X.toarray())
    edges = torch.from_numpy(np.stack(A.nonzero()).astype(np.int64))
    along = rows_of(A, torch.from_numpy(A.data)) if sparse else edges
    decaying = [p for name, p in first.named_parameters() if name != "bias"]
    optimiser = torch.optim.Adam(
        [{"params": decaying, "weight_decay": DECAY}, {"params": [first.bias, *second.parameters()]}], lr=RATE
    )
    train, labels = torch.from_numpy(problem.train), torch.from_numpy(problem.y[problem.train])

    def step() -> Any:
        optimiser.zero_grad()
        dropped = F.dropout(X, dropout)
        hidden = first(rows_of(problem.X, dropped) if sparse else dropped, along).relu()
        z = second(F.dropout(hidden, dropout), along)
        loss = F.cross_entropy(z[train], labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def geometric_layers(problem: Problem) -> list[Any]:
    import torch
    from torch_geometric.nn import ChebConv, GCNConv

    layers = []
    for W, b in problem.weights:
        terms, n_out, n_in = W.shape
        layer = GCNConv(n_in, n_out, cached=True) if terms == 1 else ChebConv(n_in, n_out, terms)
        with torch.no_grad():
            for own, given in zip([layer.lin] if terms == 1 else layer.lins, W, strict=True):
                own.weight.copy_(torch.from_numpy(given))
            layer.bias.copy_(torch.from_numpy(b))
        layers.append(layer)
    return layers


# ---------------------------------------------------------------------------------------- with validation


def validated_case(name: str, n: int, m: int, problem: Callable[[], Problem], repeats: int) -> Case:
    """Epochs as users have them: `train_node_classifier`, which looks at the validation nodes after each."""
    return Case(
        input=name,
        n=n,
        m=m,
        function="train_node_classifier",
        variant="GCN with validation 20 epochs",
        ours=partial(validated_by_lessons, problem),
        peers={"torch": partial(validated_by_torch, problem)},
        right=partial(is_validated, problem),
        repeats=repeats,
    )


def validated_by_lessons(problem: Callable[[], Problem]) -> Call:
    from lessons.spectral_gcn import train_node_classifier

    given = problem()
    masks = {"train": given.train, "validation": given.validation}

    def trained(dropout: float, epochs: int) -> Any:
        return train_node_classifier(
            model_of(given, dropout), given.graph, given.X, given.y, epochs=epochs, **masks
        )

    checked = trained(0.0, CHECKED)
    return lambda: (checked.losses, checked.validation_losses, trained(DROPOUT, 20).losses[0])


def validated_by_torch(problem: Callable[[], Problem]) -> Call:
    """Scores of all nodes at each epoch, and a copy of the weights where the loss is the smallest so far."""
    torch, F = quiet_torch()
    given = problem()
    features = sparse_features(given.X, by_hand=False)
    ((P,), _) = seen(given, focus=False).layers
    S = passing(P, by_hand=False)
    train, validation = (torch.from_numpy(np.flatnonzero(mask)) for mask in (given.train, given.validation))
    y = torch.from_numpy(given.y)

    def trained(dropout: float, epochs: int) -> tuple[list[float], list[float]]:
        (W1, b1), (W2, b2) = parameters = torch_weights(given)
        optimiser = torch_adam(W1, [b1, W2, b2])

        def scores(dropout: float) -> Any:
            return S(F.dropout(F.relu(S(features(dropout, W1)) + b1), dropout) @ W2) + b2

        losses, watched, best = [], [], []
        for _ in range(epochs):
            optimiser.zero_grad()
            loss = F.cross_entropy(scores(dropout)[train], y[train])
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                found = scores(0.0)[validation]
                watched.append(F.cross_entropy(found, y[validation]).item())
                (found.argmax(dim=1) == y[validation]).float().mean().item()
                if watched[-1] == min(watched):
                    best = [p.clone() for pair in parameters for p in pair]
            losses.append(loss.item())
        with torch.no_grad():
            for p, kept in zip([p for pair in parameters for p in pair], best, strict=True):
                p.copy_(kept)
        return losses, watched

    checked = trained(0.0, CHECKED)
    return lambda: (*checked, trained(DROPOUT, 20)[0][0])


def is_validated(problem: Callable[[], Problem], answer: tuple[list[float], list[float], float]) -> bool:
    """Whether the losses are known, and those on validation nodes where they start from the same weights."""
    losses, watched, dropped = answer
    return is_right(problem, (losses, dropped)) and bool(
        np.abs(np.subtract(watched, reference_watched(problem))).max() < CLOSE
    )


@lru_cache(maxsize=1)
def reference_watched(problem: Callable[[], Problem]) -> list[float]:
    """Losses on the validation nodes after each step, by NumPy in float64."""
    given = problem()
    weights = in_type(given.weights, np.float64)
    step = by_scipy(given, 0.0, dtype=np.float64, weights=weights)
    found = []
    for _ in range(CHECKED):
        step()
        z = scores_of(given, weights)[given.validation]
        found.append(cross_entropy_of(given.y[given.validation], z)[0])
    return found


def scores_of(problem: Problem, weights: Weights) -> Array:
    """(n, classes) without dropout."""
    (W1, b1), (W2, b2) = weights
    passed = passes(problem)
    hidden = np.maximum(sum(P @ (problem.X @ W.T) for P, W in zip(passed, W1, strict=True)) + b1, 0)
    scores: Array = sum(P @ (hidden @ W.T) for P, W in zip(passed, W2, strict=True)) + b2
    return scores
