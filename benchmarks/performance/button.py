"""Part `button`: from Generate, pressed in a Blender, to the first word of the engine."""

from __future__ import annotations

from statistics import median

from benchmarks.performance.in_blender import run_in_blender
from benchmarks.performance.record import Aim, Record

_AIM = Aim(value=0.3, at_least=False)


def measure(record: Record) -> None:
    """The newest bpy wheel without a window; one draws the word at the session's next tick."""
    waits = run_in_blender(record, "button.py")
    if waits is None:
        return
    part = "Blender's button to the engine's first word, bundled model"
    first, *later = waits
    record.put(part, "first job (starts the engine, imports torch)", first, "s")
    record.put(part, "later jobs, median", median(later), "s", _AIM)
    record.series["button"] = {"first": first, "later": later}
