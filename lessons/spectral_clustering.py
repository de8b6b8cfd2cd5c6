"""Communities from the low frequencies: eigenvectors as coordinates, and k-means on them.

    communities = spectral_clustering(graph, k, seed=0)      # (n,), k is told, not found
    U = leading_eigenvectors(graph, k)                       # the coordinates, before each row gets length 1

What varies little along the edges, the low frequencies of lesson 07, is nearly constant on a community that few
edges leave. So nodes of one community have nearly the same coordinates.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lessons import _rng
from lessons._checks import whole, zero_or_more
from lessons.errors import ConvergenceError, require
from lessons.graph import Graph, check_dense
from lessons.laplacian_regularization import degrees, undirected

if TYPE_CHECKING:
    import scipy.sparse

Communities = NDArray[np.int32]
Floats = NDArray[np.float64]

SMALL = 500  # nodes; up to here a dense matrix is the quickest
STARTS = 10  # of k-means, of which the best counts
RESTARTS = 1_000  # of the iterations for eigenvectors
FAINT = 1e-4  # of the usual length: of shorter rows, rounding decides where they point


def spectral_clustering(graph: object, k: int, *, tau: float | None = None, seed: _rng.Seed = 0) -> Communities:
    """Communities (n,), at most k: k-means on the rows of `leading_eigenvectors`, each brought to length 1.

    They are numbered by their first nodes, in the order of `graph.nodes`. The length of a row tells of a node's
    degree rather than of its community, so it is left out. Nodes of which the eigenvectors say nothing, such as
    those without edges, join the largest community. Where rows coincide, there are fewer than k. k-means is that
    of scikit-learn, the best of ten starts; another version may decide close cases otherwise. The cost is that of
    `leading_eigenvectors`, and O(n k^2) for each round of k-means.

    Raises ImportError without scikit-learn, ValueError for a directed graph, a negative weight or tau, unless
    1 <= k <= n, and what `leading_eigenvectors` does.

    >>> from lessons import as_graph
    >>> two = as_graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)], n=6)
    >>> spectral_clustering(two, 2)
    array([0, 0, 0, 1, 1, 1], dtype=int32)

    Notebook: 08_communities. Source: A. Y. Ng, M. I. Jordan, Y. Weiss, On spectral clustering: analysis and an
    algorithm, Advances in Neural Information Processing Systems 14, 2001, section 2.
    """
    graph, k = _checked(graph, k)
    key = _rng.key_of(seed)
    if k == 1:
        return np.zeros(graph.n, np.int32)
    if k == graph.n:
        return np.arange(k, dtype=np.int32)
    U = leading_eigenvectors(graph, k, tau=tau, seed=_rng.start(key, 0))
    length = np.linalg.norm(U, axis=1)
    told = (length > FAINT * np.sqrt(k / graph.n)) & (degrees(graph) > 0)
    communities = np.zeros(graph.n, np.int32)
    if told.any():
        found = _k_means(U[told] / length[told, None], k, _rng.start(key, 1))
        communities[told], communities[~told] = found, np.bincount(found).argmax()
    return _numbered(communities)


def leading_eigenvectors(graph: object, k: int, *, tau: float | None = None, seed: _rng.Seed = 0) -> Floats:
    """(n, k) eigenvectors of (D + tau I)^(-1/2) A (D + tau I)^(-1/2) of length 1, of the largest eigenvalues down.

    With tau = 0 these are the lowest frequencies of the normalised Laplacian, which is I minus this matrix where
    all nodes have edges: the largest eigenvalue is 1, once for each component. Small parts, which few or no edges
    tie to the rest, come before large communities then, and sparse graphs have many. A tau above 0 takes from each
    eigenvalue, and most from those of parts with low degrees. None stands for the mean degree. Degrees d are row
    sums of A, a self-loop counted once.

    To 500 nodes, or for more than a quarter of the eigenvectors, from a dense matrix: O(n^3), 8 n^2 bytes. Others
    by Lanczos iterations (ARPACK), O((m + n k) times the number of them), some hundred where there are k clear
    communities, many more where eigenvalues lie close together, as on meshes. The seed chooses where they start.
    Signs, and rotations within an eigenvalue that repeats, are not settled.

    Raises ValueError for a directed graph, a negative weight or tau, unless 1 <= k <= n and, above 5,000 nodes,
    for more than a quarter of the eigenvectors; ConvergenceError where the iterations do not end.

    >>> from lessons import as_graph
    >>> star = as_graph([(0, 1), (0, 2), (0, 3)], n=4)
    >>> abs(leading_eigenvectors(star, 1, tau=0)).round(3).ravel()       # as sqrt(d)
    array([0.707, 0.408, 0.408, 0.408])

    Notebook: 08_communities. Source: for tau, T. Qin, K. Rohe, Regularized spectral clustering under the
    degree-corrected stochastic blockmodel, Advances in Neural Information Processing Systems 26, 2013, sections 2
    and 5, arXiv:1309.4111.
    """
    graph, k = _checked(graph, k)
    key = _rng.key_of(seed)
    S = _normalised(graph, degrees(graph).mean() if tau is None else zero_or_more("tau", tau))
    if not S.data.any():
        return np.eye(graph.n, k)
    if graph.n <= SMALL or 4 * k > graph.n:
        check_dense(graph.n, force=False, instead="a smaller k")
        return np.linalg.eigh(S.toarray())[1][:, : -k - 1 : -1]
    return _largest(S, k, _rng.uniforms(key, [0], graph.n)[0])


# ---------------------------------------------------------------------------------------- helpers


def _checked(graph: object, k: int) -> tuple[Graph, int]:
    graph = undirected(graph)
    if not graph.n:
        raise ValueError("a graph without nodes has no communities")
    if whole("k", k) > graph.n:
        raise ValueError(f"k={k}: 1 to {graph.n}, the number of nodes")
    return graph, int(k)


def _normalised(graph: Graph, tau: float) -> scipy.sparse.csr_array:
    """(n, n) A with each entry divided by the square roots of d + tau of both its ends."""
    d = degrees(graph) + tau
    inverse = np.divide(1.0, np.sqrt(d), out=np.zeros(graph.n), where=d > 0)
    A = graph.to_scipy()
    A.data *= inverse[graph.sources]
    A.data *= inverse[graph.indices]
    return A


def _largest(S: scipy.sparse.csr_array, k: int, start: Floats) -> Floats:
    """(n, k) the eigenvectors of the k largest eigenvalues, descending.

    The tolerance is the rounding error: copies of an eigenvalue that repeats come up from rounding only, and with
    a larger tolerance they are missed.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    try:
        lam, U = eigsh(S, k, which="LA", v0=start, tol=0, maxiter=RESTARTS)
    except ArpackNoConvergence as error:
        found = f"{len(error.eigenvalues)} of {k} eigenvectors, the others"
        advice = "Take a smaller k, or leiden, which needs none."
        raise ConvergenceError(found, np.nan, RESTARTS, advice) from error
    return U[:, np.argsort(-lam, kind="stable")]


def _k_means(X: Floats, k: int, key: int) -> NDArray[np.int32]:
    """(n,) the nearest of k centres, from scikit-learn."""
    require("sklearn", "course")
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than centres: allowed here
        return KMeans(min(k, len(X)), n_init=STARTS, random_state=key % 2**32).fit(X).labels_


def _numbered(communities: NDArray[np.int32]) -> Communities:
    """The same communities, numbered by their first nodes."""
    _, first, number = np.unique(communities, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first)).astype(np.int32)[number]
