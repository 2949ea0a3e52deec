"""How the sides of a large region are cut into windows, or go around a canvas that wraps.

Cuts lie still, and windows then share a third to half of their sides, so that none is seen; or they
lie elsewhere in each of two turns that steps take, and a seam of one step is inside a window in the
next (after SpotDiffusion, Frolov, Moser and Dengel, arXiv 2407.15507, where they lie at random).

Units: cells, or patches of them.
"""

from __future__ import annotations

import math

OVERLAPPING, TRIMMED, SHIFTING = WINDOWS = ("overlapping", "trimmed", "shifting")
TURNS = 2
"""How many places windows have that shift, one after the other."""
RING_CONTEXT_PX = 64
"""What is seen beyond the start and the end of a region that goes all around the canvas."""

_LEAST_OVERLAP = 1 / 3  # of a span
_SHIFTED_OVERLAP = 1 / 16  # of the longest span


def cut(
    length: int,
    largest: int | None,
    context: int,
    *,
    is_ring: bool = False,
    turn: int | None = None,
) -> list[tuple[int, int]]:
    """Return the spans of one side of a region, each at most `largest` long.

    In one of the turns where they shift; `context` is what is seen beyond the ends of a ring that
    is one span and lies still.
    """
    if is_ring:
        if turn is None:
            return ring_spans(length, largest, context)
        return _shifted_ring_spans(length, largest, turn)
    if largest is None or length <= largest:
        return [(0, length)]
    if turn is None:
        return spans(length, largest)
    return _shifted_spans(length, largest, turn)


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


def _shifted_spans(length: int, largest: int, turn: int) -> list[tuple[int, int]]:
    """Return spans that cover a length in one of the turns, with little overlap.

    Each is at most `largest` long and at least half of that. All are alike but for one, which is
    shorter, and the first in one turn and the last in the other: so all cuts move, and networks
    see two sizes.
    """
    shared, least = _shared_when_shifted(largest), math.ceil(largest / 2)
    fewest = math.ceil((length - shared) / (largest - shared))

    def split(count: int) -> tuple[int, int, int]:
        odd = max(length + (count - 1) * shared - (count - 1) * largest, least)
        size = math.ceil((length - odd + (count - 1) * shared) / (count - 1))
        return size, odd, count

    # One more where cuts would hardly move.
    size, odd, count = max(
        (split(count) for count in (fewest, fewest + 1) if count * least <= length),
        key=lambda found: (min(found[0] - found[1], largest // 4), -found[2]),
        default=split(fewest),
    )
    reach = length - odd + shared - size  # of the others' starts
    starts = [round(index * reach / max(count - 2, 1)) for index in range(count - 1)]
    odd_last = [*((start, start + size) for start in starts), (length - odd, length)]
    if turn:
        return odd_last
    return [(length - end, length - start) for start, end in reversed(odd_last)]


def _shifted_ring_spans(length: int, largest: int | None, turn: int) -> list[tuple[int, int]]:
    """Return the fewest spans that cover a ring in one of the turns, all alike.

    The last one shares a little with the first, as neighbours do; one alone shares it with itself.
    """
    largest = length if largest is None else min(largest, length)
    shared = _shared_when_shifted(largest)
    count = 1 if largest == length else math.ceil(length / (largest - shared))
    size, place = math.ceil(length / count) + shared, turn / TURNS
    starts = [math.floor((index + place) * length / count) for index in range(count)]
    return [(start, start + size) for start in starts]


def _shared_when_shifted(largest: int) -> int:
    return min(math.ceil(largest * _SHIFTED_OVERLAP), largest // 4)
