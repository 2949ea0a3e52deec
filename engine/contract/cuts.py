"""How the sides of a large region are cut into windows, or go around a canvas that wraps.

Cuts lie still, and windows then share a third to half of their sides, so that none is seen; or they
lie elsewhere in each of a few turns that steps take, and a seam of one step is inside a window in
the next (SpotDiffusion, Frolov, Moser and Dengel, arXiv 2407.15507).

Units: cells, or patches of them.
"""

from __future__ import annotations

import math
from itertools import accumulate

OVERLAPPING, TRIMMED, SHIFTING = WINDOWS = ("overlapping", "trimmed", "shifting")
TURNS = 8
"""How many places windows have that shift, one after the other."""
RING_CONTEXT_PX = 64
"""What is seen beyond the start and the end of a region that goes all around the canvas."""

_LEAST_OVERLAP = 1 / 3  # of a span
_SHIFTED_OVERLAP = 1 / 16  # of the longest span
_PLACES = (0, 4, 2, 6, 1, 5, 3, 7)  # turn by turn, each far from those before
_OTHER_PLACES = (3, 6, 1, 4, 7, 2, 5, 0)  # of the other axis, so that corners move too


def cut(
    length: int,
    largest: int | None,
    context: int,
    *,
    is_ring: bool = False,
    turn: int | None = None,
    across: bool = False,
) -> list[tuple[int, int]]:
    """Return the spans of one side of a region, each at most `largest` long.

    In one of the turns where they shift, `across` being the second axis; `context` is what is seen
    beyond the ends of a ring that is one span and lies still.
    """
    if is_ring:
        if turn is None:
            return ring_spans(length, largest, context)
        return _shifted_ring_spans(length, largest, turn, across=across)
    if largest is None or length <= largest:
        return [(0, length)]
    if turn is None:
        return spans(length, largest)
    return _shifted_spans(length, largest, turn, across=across)


def ring_spans(length: int, largest: int | None, context: int) -> list[tuple[int, int]]:
    """Return the fewest spans that cover a ring, evenly spread, where one cannot be its whole.

    A ring no longer than `largest` is one span, and the `context` beyond its start and its end,
    which is itself again. Several are each at most `largest` long, the last of them beyond the
    ring's length, which is its start; neighbours share as much as in `spans`.

    """
    if largest is None or length <= largest:
        return [(-context, length + context)]
    shared = min(math.ceil(largest * _LEAST_OVERLAP), largest - 1)
    count = math.ceil(length / (largest - shared))
    size = min(largest, math.ceil(2 * length / count))  # half of which two would share
    starts = [round(index * length / count) for index in range(count)]
    return [(start, start + size) for start in starts]


def spans(length: int, largest: int) -> list[tuple[int, int]]:
    """Return the fewest spans that cover a length, each at most `largest` long, evenly spread.

    Neighbours share at least a third of a span and about half of one at most.
    """
    if length <= largest:
        return [(0, length)]
    shared = min(math.ceil(largest * _LEAST_OVERLAP), largest - 1)
    count = math.ceil((length - shared) / (largest - shared))
    size = min(largest, math.ceil(2 * length / (count + 1)))  # half of which two would share
    starts = [round(index * (length - size) / (count - 1)) for index in range(count)]
    return [(start, start + size) for start in starts]


def _shifted_spans(length: int, largest: int, turn: int, *, across: bool) -> list[tuple[int, int]]:
    """Return spans that cover a length in one of the turns, with little overlap.

    Each is at most `largest` long and at least half of that. The first one's end is what moves, and
    with it all others of the same length; the last one takes what is left.
    """
    shared, least = _shared_when_shifted(largest), math.ceil(largest / 2)
    fewest = math.ceil((length - shared) / (largest - shared))
    middle, outer, count = max(
        (
            _split(length + (count - 1) * shared, count, largest)
            for count in range(fewest, fewest + 3)
        ),
        key=lambda split: (min(_room(split[1], largest), largest // 4), -split[2]),
    )
    place = _place(turn, across=across) / (TURNS - 1)
    shortest = max(least, outer - largest)
    first = shortest + round(place * _room(outer, largest))
    sizes = [first, *[middle] * (count - 2), outer - first]
    ends = accumulate(size - shared for size in sizes)
    return [(end - size + shared, end + shared) for size, end in zip(sizes, ends, strict=True)]


def _split(total: int, count: int, largest: int) -> tuple[int, int, int]:
    """Return the size of the inner spans of some, what is left for the outer two, and how many.

    So that those have room to move, where they can.
    """
    if count == 2:
        return 0, total, count
    middle = min(max(round((total - 1.5 * largest) / (count - 2)), math.ceil(largest / 2)), largest)
    return middle, total - (count - 2) * middle, count


def _room(outer: int, largest: int) -> int:
    """Return how far the end of the first span may move, below 0 where two cannot be so long."""
    least = math.ceil(largest / 2)
    return min(largest, outer - least) - max(least, outer - largest)


def _shifted_ring_spans(
    length: int, largest: int | None, turn: int, *, across: bool
) -> list[tuple[int, int]]:
    """Return the fewest spans that cover a ring in one of the turns, all alike.

    The last one shares a little with the first, as neighbours do; one alone shares it with itself.
    """
    largest = length if largest is None else min(largest, length)
    shared = _shared_when_shifted(largest)
    count = 1 if largest == length else math.ceil(length / (largest - shared))
    size, place = math.ceil(length / count) + shared, _place(turn, across=across) / TURNS
    starts = [math.floor((index + place) * length / count) for index in range(count)]
    return [(start, start + size) for start in starts]


def _shared_when_shifted(largest: int) -> int:
    return min(math.ceil(largest * _SHIFTED_OVERLAP), largest // 4)


def _place(turn: int, *, across: bool) -> int:
    """Return where cuts lie in a turn, below `TURNS`."""
    return (_OTHER_PLACES if across else _PLACES)[turn % TURNS]
