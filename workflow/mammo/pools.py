"""Pools of threads that are handed their work a part at a time."""

CHUNK = 1000  # items that wait for a thread together: a million would fill the memory


def in_chunks(pool, function, items):
    """map by the pool's threads; items: a list or an array."""
    for start in range(0, len(items), CHUNK):
        yield from pool.map(function, items[start : start + CHUNK])
