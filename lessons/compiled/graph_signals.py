"""The kernels of `lessons.chebyshev`: Chebyshev's recurrence, each step in one pass over the rows.

A step finds T_j = 2 M T_(j-1) - T_(j-2) with M = 2 L / lam_max - I and adds c_j T_j to the sum at once; T_1 = M
T_0 is the step with half of M and nothing subtracted.
"""

import numpy as np

from lessons.compiled import kernel


@kernel("void(i8[:], i4[:], f8[:], f8[:], f8, f8[:], f8[:]!, f8[:]!)")
def chebyshev(indptr, indices, degrees, c, lam_max, x, y, last):  # type: ignore[no-untyped-def]
    """See `lessons.chebyshev.recurrence`: y (n,) = sum_j c_j T_j(M) x for L = diag(degrees) - A.

    Every arc of A counts one, so that only its end is read. `last` (n,) takes the last T_j(M) x.
    """
    now, before = x.copy(), np.zeros(x.size)
    y[:] = c[0] * x
    for j in range(1, c.size):
        times = 1.0 if j == 1 else 2.0
        for i in range(x.size):
            around = 0.0
            for arc in range(indptr[i], indptr[i + 1]):
                around += now[np.uint32(indices[arc])]  # unsigned: no need to ask whether it counts from the end
            total = degrees[i] * now[i] - around
            new = times * (2.0 / lam_max * total - now[i]) - before[i]
            before[i] = new
            y[i] += c[j] * new
        now, before = before, now
    last[:] = now


@kernel("void(i8[:], i4[:], f8[:], f8[:], f8, f8[:,:], f8[:,:]!, f8[:,:]!)")
def chebyshev_block(indptr, indices, values, c, lam_max, X, Y, last):  # type: ignore[no-untyped-def]
    """The same for several signals, the columns of X (n, k), and any L, its own rows.

    Loops over columns do one thing each: with few arrays in a loop the compiler can tell that they do not overlap,
    and works on several columns at a time.
    """
    n, k = X.shape
    now, before, new = X.copy(), np.zeros((n, k)), np.zeros(k)
    Y[:] = c[0] * X
    for j in range(1, c.size):
        times = 1.0 if j == 1 else 2.0
        for i in range(n):
            new[:] = 0.0
            for arc in range(indptr[i], indptr[i + 1]):
                u = indices[arc]
                value = values[arc]
                for s in range(k):
                    new[s] += value * now[u, s]
            for s in range(k):
                new[s] = 2.0 / lam_max * new[s] - now[i, s]
            for s in range(k):
                before[i, s] = times * new[s] - before[i, s]
            for s in range(k):
                Y[i, s] += c[j] * before[i, s]
        now, before = before, now
    last[:] = now
