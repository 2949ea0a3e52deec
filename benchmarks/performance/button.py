"""Part `button`: from Generate, pressed in a Blender, to the engine's first word and preview."""

from __future__ import annotations

from statistics import median

from benchmarks.performance.in_blender import run_in_blender
from benchmarks.performance.record import Aim, Record

_FIRST_WORD, _FIRST_PREVIEW, _COLD_PREVIEW = (
    Aim(value=value, at_least=False) for value in (0.3, 0.5, 4.0)
)


def measure(record: Record) -> None:
    """The newest bpy wheel without a window; one draws what comes at the session's next tick."""
    told = run_in_blender(record, "button.py")
    if told is None:
        return
    part = "Blender's button to the engine's first word, bundled model"
    cold, later, opened = told["cold"], told["later"], told["opened"]
    record.put(part, "first job (starts the engine, imports torch)", cold["word"], "s")
    record.put(part, "later jobs, median", median(job["word"] for job in later), "s", _FIRST_WORD)
    part = "Blender's button to the first preview, bundled model"
    record.put(part, "first job (starts the engine)", cold["preview"], "s", _COLD_PREVIEW)
    record.put(part, "first job, the tab opened before", opened["preview"], "s", _FIRST_PREVIEW)
    record.put(
        part, "later jobs, median", median(job["preview"] for job in later), "s", _FIRST_PREVIEW
    )
    record.put(part, "from opening the tab to an engine that is ready", told["ready after"], "s")
    record.series["button"] = told
