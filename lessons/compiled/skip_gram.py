"""The kernel of `lessons.skip_gram`: one pass of gradient descent over walks."""

import numpy as np

from lessons.compiled import kernel
from lessons.compiled.rng import start, uniform

ZERO, ONE = np.float32(0), np.float32(1)
REACH, CELLS = np.float32(16), np.float32(64)  # as in `lessons.skip_gram`


@kernel("i8(f8[:], i4[:], f8)")
def noise(chance, other, at_random):  # type: ignore[no-untyped-def]
    """A node from the alias table."""
    at = at_random * chance.size
    cell = np.int64(at)
    second = np.int64(other[cell])  # read in any case, so that no branch has to be guessed
    return cell if at - cell < chance[cell] else second


@kernel("f4(f4[:], f4)")
def sigmoid(table, z):  # type: ignore[no-untyped-def]
    """1 / (1 + exp(-z)) from the table, interpolated; a NaN gives 0."""
    if not (-REACH < z < REACH):
        return ONE if z > ZERO else ZERO
    at = (z + REACH) * CELLS
    cell = min(np.int64(at), np.int64(table.size - 2))  # z + REACH of the last z below REACH rounds to 2 REACH
    return table[cell] + (at - np.float32(cell)) * (table[cell + 1] - table[cell])


@kernel(
    "void(i4[:,:], i8, i8, u8, i8, i8, i8, i8, f8, f8, f8[:], i4[:], f4[:], f4[:,:]!, f4[:,:]!)",
    reassociate=True,
)
def train(  # type: ignore[no-untyped-def]
    walks, walk, last, key, number, total, window, negatives, rate, lowest, chance, other, table, X, Y
):
    """See `lessons.skip_gram.Training.passed`: train on the walks up to `last`, the first of this `number`."""
    length, dimensions = walks.shape[1], X.shape[1]
    outputs, pull = np.empty(negatives + 3, np.int64), np.empty(negatives + 3, np.float32)
    moved = np.empty(dimensions, np.float32)
    while walk < last:
        i = number + walk
        now = np.float32(rate * (1.0 - (1.0 - lowest) * (np.float64(i) / np.float64(total))))
        for place in range(length):
            middle = np.int64(walks[walk, place])
            if middle < 0:
                break
            stream = start(key, i * length + place)
            reach = 1 + np.int64(uniform(stream, 0) * window)
            draw = 1
            for at in range(max(0, place - reach), min(length, place + reach + 1)):
                v = np.int64(walks[walk, at])
                if v < 0:
                    break
                if at == place:
                    continue
                outputs[0], k = middle, 1
                for _ in range(negatives):
                    drawn = noise(chance, other, uniform(stream, draw))
                    draw += 1
                    if drawn != middle:
                        outputs[k] = drawn
                        k += 1
                filled = k  # outputs go by threes, which keeps x in registers; those beyond k are not pulled
                while filled % 3:
                    outputs[filled] = middle
                    filled += 1
                x = X[v]
                # How far each output is from what is wanted of it, times the rate.
                for j in range(0, filled, 3):
                    y0, y1, y2 = Y[outputs[j]], Y[outputs[j + 1]], Y[outputs[j + 2]]
                    z0, z1, z2 = ZERO, ZERO, ZERO
                    for d in range(dimensions):
                        z0 += x[d] * y0[d]
                        z1 += x[d] * y1[d]
                        z2 += x[d] * y2[d]
                    pull[j] = now * ((ONE if j == 0 else ZERO) - sigmoid(table, z0))
                    pull[j + 1] = -now * sigmoid(table, z1)
                    pull[j + 2] = -now * sigmoid(table, z2)
                for j in range(k, filled):
                    pull[j] = ZERO
                # Where x is pulled, by the outputs as they were; then the outputs move, then x.
                for j in range(0, filled, 3):
                    y0, y1, y2 = Y[outputs[j]], Y[outputs[j + 1]], Y[outputs[j + 2]]
                    pull0, pull1, pull2 = pull[j], pull[j + 1], pull[j + 2]
                    if j == 0:
                        for d in range(dimensions):
                            moved[d] = pull0 * y0[d] + pull1 * y1[d] + pull2 * y2[d]
                    else:
                        for d in range(dimensions):
                            moved[d] += pull0 * y0[d] + pull1 * y1[d] + pull2 * y2[d]
                for j in range(0, k - 1, 2):
                    y0, y1, pull0, pull1 = Y[outputs[j]], Y[outputs[j + 1]], pull[j], pull[j + 1]
                    for d in range(dimensions):
                        y0[d] += pull0 * x[d]
                        y1[d] += pull1 * x[d]
                if k & 1:
                    y0, pull0 = Y[outputs[k - 1]], pull[k - 1]
                    for d in range(dimensions):
                        y0[d] += pull0 * x[d]
                for d in range(dimensions):
                    x[d] += moved[d]
        walk += 1
