"""The pieces in the order of their worth, and their shares of the time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.performance.card import (
    attention,
    compiled,
    decoding,
    devices,
    families,
    header,
    rates,
    windows,
)
from benchmarks.performance.card.alone import alone
from benchmarks.performance.card.setting import Setting, on_the_card, rehearsed
from benchmarks.performance.record import Record
from benchmarks.real_pipelines import REAL
from engine.process.quiet import silence_libraries

_SPARE_S = 5.0
"""What a piece leaves of its share, to end by itself; and what the tables and plots take."""
_LEAST_S, _LEAST_REHEARSED_S = 30.0, 120.0
"""Libraries take some of it to load: on a processor that others use too, much of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is measured, and its share of the time beside the others' shares."""

    about: str
    share: int
    measure: Callable[[Record, Setting], None]


PIECES: Mapping[str, Piece] = {
    "rates": Piece(about="what the card can do at best", share=1, measure=rates.measure),
    "header": Piece(
        about="the header picture against the bare calls and the limit",
        share=3,
        measure=header.measure,
    ),
    "compiled": Piece(about="the same with a compiled network", share=4, measure=compiled.measure),
    "attention": Piece(about="torch's kinds of attention", share=1, measure=attention.measure),
    **{
        name: Piece(
            about="its real shape, in each way of a plan of memory",
            share=3,
            measure=partial(families.measure, name=name),
        )
        for name in REAL
    },
    "devices": Piece(about="one device against several", share=2, measure=devices.measure),
    "windows": Piece(
        about="a large region in windows of each kind", share=2, measure=windows.measure
    ),
    "decoding": Piece(about="the autoencoder in half precision", share=1, measure=decoding.measure),
}


def heading(name: str) -> str:
    """Return the name under which a piece is in the history, beside the command's parts."""
    return f"card: {name}"


def measure_all(
    record: Record, *, minutes: float, rehearse: bool, names: Iterable[str] = PIECES
) -> dict[str, str]:
    """Measure pieces within so many minutes, and return which failed, and how.

    What one leaves of its time is the next ones'.
    """
    ends_at, failures = time.monotonic() + 60 * minutes - _SPARE_S, dict[str, str]()
    start = start_method(rehearse=rehearse)
    least_s = _LEAST_REHEARSED_S if rehearse else _LEAST_S
    left = {name: PIECES[name] for name in names}
    for name, piece in list(left.items()):
        share = piece.share / sum(one.share for one in left.values())
        del left[name]
        left_s = ends_at - time.monotonic()
        limit_s = min(left_s, max(least_s, share * left_s))
        if limit_s <= 0:
            failures[name] = "no time was left"
            continue
        print(f"\n{name}: {piece.about}, {limit_s:.0f} s at most", flush=True)
        work = partial(_measured, name=name, limit_s=limit_s, rehearse=rehearse)
        found = alone(name, work, limit_s=limit_s, start=start)
        record.figures[heading(name)] = found.record.figures.get(name, [])
        record.series |= found.record.series
        record.remarks += found.record.remarks
        if found.failure is not None:
            failures[name] = found.failure
            record.remark(f"{name}: {found.failure}")
    return failures


def start_method(*, rehearse: bool) -> str:
    """Return how processes start: where no card is touched, libraries may load once for all."""
    if rehearse and "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.set_forkserver_preload([__name__])
        return "forkserver"
    return "spawn"


def _measured(record: Record, *, name: str, limit_s: float, rehearse: bool) -> None:
    silence_libraries()
    if rehearse:
        torch.set_num_threads(1)  # quicker for models this small, whatever else runs
    seconds = max(0.0, limit_s - _SPARE_S)
    setting = rehearsed(seconds) if rehearse else on_the_card(seconds)
    PIECES[name].measure(record, setting)
