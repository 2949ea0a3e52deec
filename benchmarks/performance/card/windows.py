"""Piece `windows`: a region larger than the model generates, in windows of each kind."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.performance.card.setting import Setting
from benchmarks.performance.clocks import HostClock
from benchmarks.performance.contest import row_job
from benchmarks.performance.record import Aim, Record
from benchmarks.performance.spans import spans_of
from engine.contract.cuts import OVERLAPPING, TURNS, WINDOWS
from engine.contract.job import Job
from engine.runtime.batching import in_turn
from engine.sampling.region_windows import region_windows

OVER_CELLS = "its share of the time over its share of the cells"
_SIDES = 3  # of the canvas, as multiples of what the model generates
_MOST_OVER_CELLS = 1.1


def measure(record: Record, setting: Setting) -> None:
    """One square region three times as large as a window, a whole round of turns."""
    side = _SIDES * setting.side_px
    model, seconds = setting.model(), dict[str, float]()
    square = row_job(1, side, 0, steps=TURNS)
    part = f"Windows, {setting.shape.name}, one region of {side} × {side}, {TURNS} steps"
    jobs = {kind: replace(square, max_region_px=setting.side_px, windows=kind) for kind in WINDOWS}
    cells = {kind: cells_a_step(job, model.stride_px) for kind, job in jobs.items()}
    took_s = 0.0
    for kind, job in jobs.items():
        if not setting.has_time(took_s):
            record.remark(f"no time was left for windows that are {kind}")
            break
        took_s, found = HostClock().time(
            partial(spans_of, job, model, setting.clock, 1, warm_steps=TURNS)
        )
        seconds[kind] = found.step_s
        record.put(part, f"{kind}: a step", found.step_s, "s")
        record.put(part, f"{kind}: cells a step, of the canvas's", cells[kind])
        record.put(part, f"{kind}: highest memory", found.peak_bytes, "B")
        record.put(part, f"{kind}: the whole picture's decoding", found.picture_s, "s")
        if kind != OVERLAPPING:
            time = found.step_s / seconds[OVERLAPPING]
            aim = Aim(value=_MOST_OVER_CELLS, at_least=False)
            over = time * cells[OVERLAPPING] / cells[kind]
            record.put(part, f"{kind}: {OVER_CELLS}", over, "x", aim)
        record.series["card, windows"] = {"label": "seconds a step", "values": seconds}


def cells_a_step(job: Job, stride_px: int) -> float:
    """Return how many cells the network sees in a step, as a multiple of the canvas's."""
    windows = region_windows(job, stride_px, {})
    seen = sum(
        one.window.height * one.window.width
        for turn in range(TURNS)
        for one in in_turn(windows, turn)
    )
    return seen / TURNS * stride_px**2 / (job.canvas_height * job.canvas_width)
