"""Pieces `SDXL`, `klein` and `Z-Image`: real shapes, in each way that a plan of memory knows."""

from __future__ import annotations

from benchmarks.performance import ways
from benchmarks.performance.card.setting import Setting
from benchmarks.performance.record import Record


def measure(record: Record, setting: Setting, *, name: str) -> None:
    """One model, the way that keeps everything on the card first; the rest while there is time."""
    ways.measure_on(
        record,
        {name: setting.families[name]},
        setting.device,
        side_px=128 if setting.is_rehearsal else 1024,
        steps=1 if setting.is_rehearsal else 4,
        rounds=1,
        has_time=setting.has_time,
    )
    figures = [figure for part in record.figures.values() for figure in part]
    steps = {f.name.removesuffix(": a step"): f.value for f in figures if ": a step" in f.name}
    record.series[f"card, {name}"] = {"label": "seconds a step", "values": steps}
