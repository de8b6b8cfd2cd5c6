"""The kernels of `lessons.relational_training`: what lies between the matrix products, each in one pass."""

import numpy as np

from lessons.compiled import kernel

ZERO, ONE = np.float32(0), np.float32(1)


@kernel("void(f4[:,:,:]!, f4[:,:], f4[:,:], f4, f4[:,:]!, f4[:,:]!, f4[:,:]!, f4[:,:,:]!)")
def normalised(z, gain, shift, epsilon, mean, variance, inverse, h):  # type: ignore[no-untyped-def]
    """See `lessons.relational_training._normalised`."""
    networks, rows, units = z.shape
    for g in range(networks):
        # The mean of each unit over the rows.
        mean[g] = ZERO
        for i in range(rows):
            for j in range(units):
                mean[g, j] += z[g, i, j]
        for j in range(units):
            mean[g, j] /= np.float32(rows)
        # Its variance; z from here on is what is left without the mean.
        variance[g] = ZERO
        for i in range(rows):
            for j in range(units):
                z[g, i, j] -= mean[g, j]
                variance[g, j] += z[g, i, j] * z[g, i, j]
        for j in range(units):
            variance[g, j] /= np.float32(rows)
            inverse[g, j] = ONE / np.sqrt(variance[g, j] + epsilon)
        # Brought to variance 1, scaled, shifted, and only what is positive.
        for i in range(rows):
            for j in range(units):
                z[g, i, j] *= inverse[g, j]
                h[g, i, j] = max(ZERO, gain[g, j] * z[g, i, j] + shift[g, j])


@kernel("void(f4[:,:,:]!, f4[:,:,:], f4[:,:,:], f4[:,:], f4[:,:], f4[:,:]!, f4[:,:]!)")
def normalised_backward(d, h, z, gain, inverse, d_gain, d_shift):  # type: ignore[no-untyped-def]
    """See `lessons.relational_training._normalised_backward`."""
    networks, rows, units = d.shape
    for g in range(networks):
        # The gradients of gain and shift; d is zero where relu has cut.
        d_gain[g], d_shift[g] = ZERO, ZERO
        for i in range(rows):
            for j in range(units):
                passed = d[g, i, j] if h[g, i, j] > ZERO else ZERO
                d[g, i, j] = passed
                d_shift[g, j] += passed
                d_gain[g, j] += passed * z[g, i, j]
        # Through the mean and the variance, which depend on every row.
        for i in range(rows):
            for j in range(units):
                within = d[g, i, j] - (d_shift[g, j] + z[g, i, j] * d_gain[g, j]) / np.float32(rows)
                d[g, i, j] = within * gain[g, j] * inverse[g, j]


@kernel("void(f4[:,:,:]!, i8[:,:], f8[:]!)")
def cross_entropy(scores, y, loss):  # type: ignore[no-untyped-def]
    """See `lessons.relational_training._cross_entropy`."""
    networks, rows, classes = scores.shape
    for g in range(networks):
        loss[g] = 0
        for i in range(rows):
            # The loss of one row; its scores become powers on the way.
            top = scores[g, i].max()
            right = scores[g, i, y[g, i]] - top
            total = ZERO
            for j in range(classes):
                scores[g, i, j] = np.exp(scores[g, i, j] - top)
                total += scores[g, i, j]
            loss[g] += np.log(total) - right
            # The gradient: the share of each class, less one where it is right.
            for j in range(classes):
                scores[g, i, j] /= total * np.float32(rows)
            scores[g, i, y[g, i]] -= ONE / np.float32(rows)
        loss[g] /= rows


@kernel("void(f4[:]!, f4[:]!, f4[:], b1[:], f4, f4, f4)")
def descend(w, velocity, gradient, present, rate, momentum, decay):  # type: ignore[no-untyped-def]
    """See `lessons.relational_training._descend`."""
    for i in range(w.size):
        slope = gradient[i] * np.float32(present[i]) + decay * w[i]
        velocity[i] = momentum * velocity[i] + slope
        w[i] -= rate * (slope + momentum * velocity[i])
