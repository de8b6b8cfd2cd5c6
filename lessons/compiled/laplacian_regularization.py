"""The kernels of `lessons.laplacian_regularization`.

Conjugate gradients for M X = B, several columns in step, preconditioned by one Gauss-Seidel sweep down the rows
and one up again: M = E + D + E^T, with E below the diagonal, is approximated by C = (D + E) D^-1 (D + E^T). All
that an iteration does is done during these two sweeps, so that each array is read from memory once a sweep:

- forward: R -= alpha M P and X += alpha P, row by row; Y = (D + E)^-1 R; R^T C^-1 R = Y^T D Y;
- backward: Z = C^-1 R, from D Z = D Y - E^T Z; P = Z + beta P; V = E^T P; P^T M P = P^T D P + 2 P^T V.

Y and Z share one array. Loops over columns do one thing each: with few arrays in a loop the compiler can tell that
they do not overlap, and works on several columns at a time.
"""

import numpy as np

from lessons.compiled import kernel


@kernel("void(i8[:], i8[:], i4[:], f8[:], f8[:], f8[:], f8[:,:]!, f8[:,:]!, f8[:,:]!, f8[:]!)")
def backward(above, end, indices, values, diagonal, beta, Z, P, V, PMP):  # type: ignore[no-untyped-def]
    """From Y in `Z`: Z, P and V as above, and P^T M P of each column; above[i] ... end[i] are E^T's in row i."""
    n, k = P.shape
    EZ = np.zeros(k)
    PMP[:] = 0.0
    for i in range(n - 1, -1, -1):
        # The rows behind have their Z already.
        EZ[:] = 0.0
        for arc in range(above[i], end[i]):
            j = indices[arc]
            value = values[arc]
            for c in range(k):
                EZ[c] += value * Z[j, c]
        d = diagonal[i]
        inverse = 1.0 / d  # one division a row, not one a column
        for c in range(k):
            Z[i, c] -= EZ[c] * inverse
        # E^T P = E^T Z + beta E^T P, so that P is not looked up in the rows behind.
        for c in range(k):
            P[i, c] = Z[i, c] + beta[c] * P[i, c]
        for c in range(k):
            V[i, c] = EZ[c] + beta[c] * V[i, c]
        for c in range(k):
            PMP[c] += P[i, c] * (d * P[i, c] + 2.0 * V[i, c])


@kernel(
    "void(i8[:], i8[:], i4[:], f8[:], f8[:], f8[:], f8[:,:], f8[:,:],"
    " f8[:,:]!, f8[:,:]!, f8[:,:]!, f8[:]!, f8[:]!)"
)
def forward(start, below, indices, values, diagonal, alpha, P, V, X, R, Y, RR, RCR):  # type: ignore[no-untyped-def]
    """X, R and Y as above; R^T R and R^T C^-1 R of each column; start[i] ... below[i] are E's in row i."""
    n, k = P.shape
    MP, EY = np.zeros(k), np.zeros(k)
    RR[:] = 0.0
    RCR[:] = 0.0
    for i in range(n):
        # The rows before have their Y already.
        d = diagonal[i]
        inverse = 1.0 / d
        for c in range(k):
            MP[c] = d * P[i, c] + V[i, c]
        EY[:] = 0.0
        for arc in range(start[i], below[i]):
            j = indices[arc]
            value = values[arc]
            for c in range(k):
                MP[c] += value * P[j, c]
            for c in range(k):
                EY[c] += value * Y[j, c]
        # One step along P.
        for c in range(k):
            X[i, c] += alpha[c] * P[i, c]
        for c in range(k):
            R[i, c] -= alpha[c] * MP[c]
        for c in range(k):
            RR[c] += R[i, c] * R[i, c]
        for c in range(k):
            EY[c] = R[i, c] - EY[c]  # D Y
        for c in range(k):
            Y[i, c] = EY[c] * inverse
        for c in range(k):
            RCR[c] += EY[c] * Y[i, c]


@kernel("i8(i8[:], i8[:], i8[:], i8[:], i4[:], f8[:], f8[:], f8[:,:], f8, i8, f8[:,:]!)")
def solve_block(start, below, above, end, indices, values, diagonal, B, tolerance, limit, X):  # type: ignore[no-untyped-def]
    """See `lessons.conjugate_gradients._gauss_seidel`; -> iterations. `X` comes as zeros.

    Of the arcs of row i, start[i] ... below[i] lead to rows before it and above[i] ... end[i] to rows behind it.
    """
    n, k = B.shape
    R = B.copy()
    Y, P, V = np.zeros((n, k)), np.zeros((n, k)), np.zeros((n, k))
    alpha, beta, PMP = np.zeros(k), np.zeros(k), np.zeros(k)
    RR, RCR, before = np.zeros(k), np.zeros(k), np.zeros(k)
    forward(start, below, indices, values, diagonal, alpha, P, V, X, R, Y, RR, RCR)
    enough = tolerance * tolerance * RR
    taken = 0
    while taken < limit and (enough < RR).any():
        backward(above, end, indices, values, diagonal, beta, Y, P, V, PMP)
        # A column that is done, or was zero from the start, stays where it is.
        for c in range(k):
            alpha[c] = RCR[c] / PMP[c] if PMP[c] > 0.0 else 0.0
        before[:] = RCR
        forward(start, below, indices, values, diagonal, alpha, P, V, X, R, Y, RR, RCR)
        for c in range(k):
            beta[c] = RCR[c] / before[c] if before[c] > 0.0 else 0.0
        taken += 1
    return taken
