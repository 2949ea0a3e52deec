"""What to mend: each goal with what was measured, and what the figures say to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from benchmarks.performance import busy, ways
from benchmarks.performance.card import attention, compiled, header
from benchmarks.performance.card.decoding import KEEPS
from benchmarks.performance.card.devices import AGAINST_ONE
from benchmarks.performance.card.windows import OVER_CELLS
from benchmarks.performance.record import Figure, Record

_BUSY, _WORTH_IT = 0.9, 1.1
_LARGE_SHARE = 0.1
_OF_MEMORY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A goal, or a piece that failed."""

    piece: str
    goal: str
    measured: str
    aim: str
    is_met: bool
    look_at: str


def rows_of(record: Record, failures: Mapping[str, str]) -> list[Row]:
    """Return the goals of all pieces, what is not met first, and the pieces that failed."""
    rows = [
        Row(
            piece=piece.removeprefix("card: "),
            goal=f"{figure.group}: {figure.name}",
            measured=figure.shown(),
            aim=figure.aim_shown,
            is_met=figure.aim.met(figure.value),
            look_at="" if figure.aim.met(figure.value) else "; ".join(_advice(figure, record)),
        )
        for piece, figures in record.figures.items()
        for figure in figures
        if figure.aim is not None
    ]
    failed = [
        Row(piece=piece, goal="all of it", measured="", aim="", is_met=False, look_at=failure)
        for piece, failure in failures.items()
    ]
    return sorted([*failed, *rows], key=lambda row: row.is_met)


def table(rows: Sequence[Row]) -> str:
    """Return the rows in Markdown."""
    lines = ["| piece | goal | measured | aim | look at |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (row.piece, row.goal, row.measured, row.aim, row.look_at)
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


def _advice(figure: Figure, record: Record) -> Iterator[str]:
    """Yield what may be the reason, by the other figures; the likeliest first."""
    match figure.name:
        case header.WHOLE | header.OVER_BARE | header.SHARE | ways.OVER_BARE:
            yield from _of_steps(figure, record)
        case busy.WAITS:
            yield (
                'torch.cuda.set_sync_debug_mode("error") names the line that waits '
                f"({figure.value:.3g} times a step)"
            )
        case attention.OVER_FASTEST:
            fastest = [one for one in record.remarks if one.startswith("the fastest attention")]
            yield f"{fastest[-1]}: ask for it with torch.nn.attention.sdpa_kernel"
        case name if name.endswith(KEEPS):
            yield "this half stays in float32 by itself; only its time is lost"
        case name if name.endswith(OVER_CELLS):
            yield "calls too small to fill the card, or shapes that change with the turns"
        case name if name.endswith(AGAINST_ONE):
            yield "the sum a step (NCCL, over what connects the cards); how evenly windows divide"
        case _:
            return


def _of_steps(figure: Figure, record: Record) -> Iterator[str]:
    """Yield what makes steps longer than their calls, and calls longer than their arithmetic."""
    near = {one.name: one for one in _all(record) if one.group == figure.group}
    if (waits := near.get(busy.WAITS)) and waits.value > 0:
        yield f"the host waits for the card {waits.shown()} times a step"
    share = near.get(busy.BUSY)
    if share and share.value < _BUSY:
        yield f"launch-bound: kernels run {share.shown()} of a step"
    if figure.name in (header.WHOLE, header.SHARE):
        yield from _of_the_header(near, record)
    elif not share or share.value >= _BUSY:
        yield "kernels of the engine's own beside the calls: a profile of one step names them"


def _of_the_header(near: Mapping[str, Figure], record: Record) -> Iterator[str]:
    """Yield which parts of the picture take more than their share, and what would be faster."""

    def above(name: str, least: float) -> bool:
        return name in near and near[name].value > least

    if above(header.OVER_BARE, header.MOST_OVER_BARE):
        yield f"the engine around its calls: {near[header.OVER_BARE].shown()} of their time"
    for name in (header.TEXTS, header.PICTURE):
        if above(name, _LARGE_SHARE):
            yield f"{name.partition(',')[0]}: {near[name].shown()} of the whole job"
    if above(header.WEIGHTS, _OF_MEMORY):
        share = near[header.WEIGHTS].shown()
        yield f"memory-bound: reading the weights alone is {share} of a step"
    elif above(busy.BUSY, _BUSY) and not above(header.BARE_SHARE, header.LEAST_SHARE):
        yield (
            f"the kernels themselves: bare calls reach {near[header.BARE_SHARE].shown()} of the "
            "matrix rate; norms, activations and layouts are bound by memory"
        )
    gains = [one for one in _all(record) if one.name.endswith(compiled.GAIN)]
    best = max(gains, key=lambda one: one.value, default=None)
    if best and best.value >= _WORTH_IT:
        yield f"compiled with {best.name.partition(':')[0]} a step is {best.shown()} as fast"
    slow = next((one for one in _all(record) if one.name == attention.OVER_FASTEST), None)
    if slow and slow.aim and not slow.aim.met(slow.value):
        yield f"attention: a call with another kind takes {1 / slow.value:.0%} of its time"


def _all(record: Record) -> Iterator[Figure]:
    return chain.from_iterable(record.figures.values())
