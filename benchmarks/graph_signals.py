"""Filters, frequencies and coordinates of meshes, each beside those who do the same.

The first call, which is not measured, loads the kernels and bounds the largest frequency, as PyGSP has it done
beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from lessons import Graph
from lessons.datasets import mesh_graph
from lessons.graph_signals import FourierBasis, filter_chebyshev, fourier_basis, heat, spectral_embedding
from lessons.laplacian_regularization import laplacian

TIME, ORDER = 3.0, 30
FREQUENCIES, COORDINATES = 20, 8

Floats = NDArray[np.float64]


def cases(scale: float) -> Iterator[Case]:
    yield filter_case(sized(250_000, scale), 1, 15)
    yield filter_case(sized(250_000, scale), 16, 5)
    yield basis_case(sized(20_000, scale))
    yield embedding_case(sized(20_000, scale))


def sized(n: int, scale: float) -> int:
    return max(200, round(n * scale))


@lru_cache(maxsize=1)
def mesh(n: int) -> Graph:
    return mesh_graph(n, seed=0)[0]


# ---------------------------------------------------------------------------------------- filters


def filter_case(n: int, signals: int, repeats: int) -> Case:
    return Case(
        input="triangular mesh",
        n=n,
        m=mesh(n).m,
        function="filter_chebyshev",
        variant=f"heat kernel order {ORDER} {'one signal' if signals == 1 else f'{signals} signals'}",
        ours=partial(filter_by_lessons, n, signals),
        peers={"pygsp": partial(filter_by_pygsp, n, signals)},
        right=partial(is_filtered, n, signals),
        repeats=repeats,
    )


@lru_cache(maxsize=1)
def noise(n: int, signals: int) -> Floats:
    return np.random.default_rng(1).standard_normal(n if signals == 1 else (n, signals))


def filter_by_lessons(n: int, signals: int) -> Call:
    import lessons.compiled.graph_signals  # noqa: F401  once loaded, it filters single signals, too

    return partial(filter_chebyshev, mesh(n), noise(n, signals), heat(TIME), ORDER)


def filter_by_pygsp(n: int, signals: int) -> Call:
    from pygsp import filters, graphs

    graph = graphs.Graph(mesh(n).to_scipy())
    graph.estimate_lmax()
    kernel = filters.Filter(graph, lambda lam: np.exp(-TIME * lam))
    return partial(kernel.filter, noise(n, signals), method="chebyshev", order=ORDER)


def is_filtered(n: int, signals: int, answer: Floats) -> bool:
    """Whether the first signal is that of SciPy's exponential, as far as a polynomial of this order goes."""
    first = answer if answer.ndim == 1 else answer[:, 0]
    return bool(answer.shape == noise(n, signals).shape and np.abs(first - warmed(n, signals)).max() < 1e-3)


@lru_cache(maxsize=1)
def warmed(n: int, signals: int) -> Floats:
    from scipy.sparse.linalg import expm_multiply

    X = noise(n, signals)
    return expm_multiply(-TIME * laplacian(mesh(n)), X if X.ndim == 1 else X[:, 0])


# ---------------------------------------------------------------------------------------- eigenvectors


def basis_case(n: int) -> Case:
    return Case(
        input="triangular mesh",
        n=n,
        m=mesh(n).m,
        function="fourier_basis",
        variant=f"{FREQUENCIES} lowest",
        ours=lambda: partial(fourier_basis, mesh(n), FREQUENCIES),
        peers={"scipy": partial(basis_by_scipy, n)},
        right=partial(is_basis, n),
        repeats=5,
    )


def basis_by_scipy(n: int) -> Call:
    from scipy.sparse.linalg import eigsh

    L = laplacian(mesh(n)).tocsc()

    def call() -> FourierBasis:
        lam, U = eigsh(L, FREQUENCIES, sigma=-1e-3)
        order = np.argsort(lam)
        return FourierBasis(lam[order], U[:, order])

    return call


def is_basis(n: int, basis: FourierBasis) -> bool:
    """Whether these are eigenpairs at right angles, and as low as those of another search."""
    residual = laplacian(mesh(n)) @ basis.U - basis.U * basis.lam
    apart = basis.U.T @ basis.U - np.eye(FREQUENCIES)
    lowest = np.allclose(basis.lam, frequencies(n), atol=1e-7)
    return bool(np.abs(residual).max() < 1e-6 and np.abs(apart).max() < 1e-6 and lowest)


@lru_cache(maxsize=1)
def frequencies(n: int) -> Floats:
    """The lowest ones, from a start and a shift of its own."""
    from scipy.sparse.linalg import eigsh

    start = np.random.default_rng(3).standard_normal(n)
    return np.sort(
        eigsh(laplacian(mesh(n)).tocsc(), FREQUENCIES, sigma=-0.01, v0=start, return_eigenvectors=False)
    )


def embedding_case(n: int) -> Case:
    return Case(
        input="triangular mesh",
        n=n,
        m=mesh(n).m,
        function="spectral_embedding",
        variant=f"{COORDINATES} coordinates",
        ours=lambda: partial(spectral_embedding, mesh(n), COORDINATES),
        peers={"sklearn": partial(embedding_by_sklearn, n)},
        right=partial(is_embedding, n),
        repeats=5,
    )


def embedding_by_sklearn(n: int) -> Call:
    from scipy.sparse import csr_array
    from sklearn.manifold import spectral_embedding as embedding

    graph = mesh(n)
    arrays = np.ones(len(graph.indices)), graph.indices, graph.indptr.astype(np.int32)  # it takes 32 bits only
    A = csr_array(arrays, shape=(n, n))
    return partial(embedding, A, n_components=COORDINATES, random_state=0)


def is_embedding(n: int, X: Any) -> bool:
    """Whether L X = D X lam, with the lowest frequencies but the first."""
    L, d = laplacian(mesh(n)), np.diff(mesh(n).indptr)[:, None]
    lam = (X * (L @ X)).sum(axis=0) / (X * (d * X)).sum(axis=0)
    length = np.linalg.norm(X, axis=0)
    return bool((np.abs(L @ X - d * X * lam) / length).max() < 1e-6 and np.allclose(lam, low(n), atol=1e-7))


@lru_cache(maxsize=1)
def low(n: int) -> Floats:
    from scipy.sparse.linalg import eigsh

    start = np.random.default_rng(4).standard_normal(n)
    L = laplacian(mesh(n), "normalised").tocsc()
    return np.sort(eigsh(L, COORDINATES + 1, sigma=-0.01, v0=start, return_eigenvectors=False))[1:]
