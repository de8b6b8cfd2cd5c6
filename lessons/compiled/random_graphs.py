"""The kernels of `lessons.random_graphs`: Python's random numbers, and many WS-flex graphs drawn with them.

A graph is a matrix of bits: bit j of row i says that i and j are joined, 64 of them to a word.
"""

import numpy as np

from lessons.compiled import kernel

NONE, ONE, WORD = np.uint64(0), np.uint64(1), np.uint64(63)
LOW, HIGH = np.uint64(0xFFFFFFFF), np.uint64(32)

# ---------------------------------------------------------------------------------------- Mersenne Twister

SIZE, AHEAD = 624, 397  # words of the state, and how far ahead the recurrence looks
TOP, REST, TWIST = np.uint64(0x80000000), np.uint64(0x7FFFFFFF), np.uint64(0x9908B0DF)
FIRST, SECOND = np.uint64(1664525), np.uint64(1566083941)
MASK_B, MASK_C = np.uint64(0x9D2C5680), np.uint64(0xEFC60000)
FIVE, SIX, SEVEN, ELEVEN = np.uint64(5), np.uint64(6), np.uint64(7), np.uint64(11)
FIFTEEN, EIGHTEEN, TWENTY_SIX, THIRTY = np.uint64(15), np.uint64(18), np.uint64(26), np.uint64(30)
LANES = (
    8  # generators that are seeded side by side: each step waits for the one before, but not for its neighbours'
)


def _base():  # type: ignore[no-untyped-def]
    """(SIZE,) the state into which all seeds are stirred: that of the seed 19650218."""
    state = [19650218]
    for i in range(1, SIZE):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
    return np.array(state, np.uint32)


BASE = _base()


@kernel("void(u8[:], u4[:,:]!)")
def seeded(seeds, states):  # type: ignore[no-untyped-def]
    """(graphs, SIZE) the states of `random.Random(seed)`: `init_by_array` of the 32-bit words of each seed."""
    mixed, added = np.empty((SIZE, LANES), np.uint32), np.empty((2, LANES), np.uint32)
    for begin in range(0, seeds.size, LANES):
        count = min(LANES, seeds.size - begin)
        for lane in range(count):
            seed = seeds[begin + lane]
            added[0, lane] = seed & LOW
            added[1, lane] = (seed >> HIGH) + ONE if seed >> HIGH else seed
        for i in range(SIZE):
            for lane in range(count):
                mixed[i, lane] = BASE[i]
        # The words of the seed are stirred in, in turn; then the state is stirred once more.
        i = 1
        for step in range(SIZE):
            for lane in range(count):
                before = mixed[i - 1, lane]
                stirred = (before ^ (before >> THIRTY)) * FIRST
                mixed[i, lane] = (mixed[i, lane] ^ stirred) + added[step & 1, lane]
            i += 1
            if i == SIZE:
                for lane in range(count):
                    mixed[0, lane] = mixed[SIZE - 1, lane]
                i = 1
        for _ in range(SIZE - 1):
            for lane in range(count):
                before = mixed[i - 1, lane]
                stirred = (before ^ (before >> THIRTY)) * SECOND
                mixed[i, lane] = (mixed[i, lane] ^ stirred) - np.uint64(i)
            i += 1
            if i == SIZE:
                for lane in range(count):
                    mixed[0, lane] = mixed[SIZE - 1, lane]
                i = 1
        for lane in range(count):
            states[begin + lane, 0] = TOP
            for i in range(1, SIZE):
                states[begin + lane, i] = mixed[i, lane]


@kernel("u8(u8, u8, u8)")
def _twisted(this, following, ahead):  # type: ignore[no-untyped-def]
    y = (this & TOP) | (following & REST)
    return ahead ^ (y >> ONE) ^ ((y & ONE) * TWIST)


@kernel("i8(u4[:]!, u4[:]!, i8)")
def _refilled(state, words, at):  # type: ignore[no-untyped-def]
    """The state moved on, and the SIZE words of 32 bits that it gives put behind the last that is left, if any.

    `words` has one place more. -> where in it the next word stands.
    """
    for i in range(SIZE - AHEAD):
        state[i] = _twisted(state[i], state[i + 1], state[i + AHEAD])
    for i in range(SIZE - AHEAD, SIZE - 1):
        state[i] = _twisted(state[i], state[i + 1], state[i + AHEAD - SIZE])
    state[SIZE - 1] = _twisted(state[SIZE - 1], state[0], state[AHEAD - 1])
    words[0] = words[SIZE]
    for i in range(SIZE):
        y = state[i]
        y ^= y >> ELEVEN
        y ^= (y << SEVEN) & MASK_B
        y ^= (y << FIFTEEN) & MASK_C
        words[i + 1] = y ^ (y >> EIGHTEEN)
    return at - SIZE


# ---------------------------------------------------------------------------------------- WS-flex


@kernel("void(i8, i8, u8[:,:]!, i8[:]!)")
def _ring(n, m, joined, degree):  # type: ignore[no-untyped-def]
    """The ring: each node is joined to the next m // n, the first m % n of them to one more."""
    for u in range(n):
        degree[u] = 0
        for k in range(joined.shape[1]):
            joined[u, k] = NONE
    quota = m // n
    more = m - quota * n
    for u in range(n):
        for s in range(1, quota + (u < more) + 1):
            v = u + s if u + s < n else u + s - n
            joined[u, v >> 6] |= ONE << (np.uint64(v) & WORD)
            joined[v, u >> 6] |= ONE << (np.uint64(u) & WORD)
            degree[u] += 1
            degree[v] += 1


@kernel("b1(u8[:,:])")
def _connected(joined):  # type: ignore[no-untyped-def]
    """Whether each node is reached from the first: what reached nodes know, until nothing is new."""
    n, width = joined.shape
    seen = joined[0].copy()
    seen[0] |= ONE
    grown = True
    while grown:
        grown = False
        for v in range(n):
            if seen[v >> 6] >> (np.uint64(v) & WORD) & ONE:
                for k in range(width):
                    if joined[v, k] & ~seen[k]:
                        seen[k] |= joined[v, k]
                        grown = True
    reached = 0
    for v in range(n):
        reached += np.int64(seen[v >> 6] >> (np.uint64(v) & WORD) & ONE)
    return reached == n


@kernel("i8(i8, i8, u8, u4[:]!, u4[:]!, i8, u8[:,:]!, i8[:]!)")
def _rewire(n, m, chance, state, words, at, joined, degree):  # type: ignore[no-untyped-def]
    """Each edge of the ring leads elsewhere where a draw is below the chance. -> where in `words` it ended.

    A draw is `random.Random.random` times 2^53: the upper bits of two words. The other end is its `choice`: as
    many bits as n has, drawn again until they are less.
    """
    bits = 0
    while n >> bits:
        bits += 1
    shift, quota = np.uint64(32 - bits), m // n
    more = m - quota * n
    for u in range(n):
        for s in range(1, quota + (u < more) + 1):
            if at >= SIZE:
                at = _refilled(state, words, at)
            at += 2
            if (words[at - 2] >> FIVE) << TWENTY_SIX | words[at - 1] >> SIX >= chance:
                continue
            first = True
            while True:
                if at >= SIZE:
                    at = _refilled(state, words, at)
                at += 1
                w = np.int64(words[at - 1] >> shift)
                if w >= n:
                    continue
                if not first and degree[u] >= n - 1:
                    break  # joined to all
                first = False
                if w != u and not joined[u, w >> 6] >> (np.uint64(w) & WORD) & ONE:
                    v = u + s if u + s < n else u + s - n
                    joined[u, v >> 6] ^= ONE << (np.uint64(v) & WORD)
                    joined[v, u >> 6] ^= ONE << (np.uint64(u) & WORD)
                    joined[u, w >> 6] |= ONE << (np.uint64(w) & WORD)
                    joined[w, u >> 6] |= ONE << (np.uint64(u) & WORD)
                    degree[v] -= 1
                    degree[w] += 1
                    break
    return at


@kernel("i8(i8, i8[:], u8[:], u4[:,:]!, i8, u8[:,:]!)")
def ws_flex(n, m, chance, states, attempts, out):  # type: ignore[no-untyped-def]
    """See `lessons.random_graphs.ws_flex_definition`; graph g in the rows from g n on. -> how many came out.

    `chance` is p times 2^53, rounded up. Fewer than asked come out where one is not connected after all attempts:
    it is the first that is missing.
    """
    words, degree, degrees = np.empty(SIZE + 1, np.uint32), np.empty(n, np.int64), np.empty(n, np.int64)
    ring, edges = np.empty((n, out.shape[1]), np.uint64), -1
    for g in range(m.size):
        joined, found, at = out[g * n : (g + 1) * n], False, SIZE + 1
        if m[g] != edges:  # many graphs in a row begin with one ring
            edges = m[g]
            _ring(n, edges, ring, degrees)
        for _ in range(attempts):
            for u in range(n):
                degree[u] = degrees[u]
                for k in range(ring.shape[1]):
                    joined[u, k] = ring[u, k]
            at = _rewire(n, m[g], chance[g], states[g], words, at, joined, degree)
            found = _connected(joined)
            if found:
                break
        if not found:
            return g
    return m.size


@kernel("void(u8[:,:], i8[:]!, i4[:]!)")
def neighbours(joined, indptr, indices):  # type: ignore[no-untyped-def]
    """The rows of bits of one graph as `indptr` and `indices`."""
    n, width = joined.shape
    count = 0
    for u in range(n):
        indptr[u] = count
        for k in range(width):
            word, v = joined[u, k], 64 * k
            while word:
                if word & ONE:
                    indices[count] = v
                    count += 1
                word >>= ONE
                v += 1
    indptr[n] = count
