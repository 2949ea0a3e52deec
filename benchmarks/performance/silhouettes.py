"""Part `silhouettes`: what the camera sees of 200 objects of a million faces, read in a Blender."""

from __future__ import annotations

from statistics import median

from benchmarks.performance.in_blender import run_in_blender
from benchmarks.performance.record import Aim, Record

_AIM = Aim(value=1.0, at_least=False)


def measure(record: Record) -> None:
    """The newest bpy wheel, by the clock; a picture of 640 × 360, each object its own region."""
    found = run_in_blender(record, "silhouettes.py")
    if found is None:
        return
    part = f"silhouettes of 200 objects with {found['faces']:,} faces"
    record.put(part, "read for the first time", found["first"], "s")
    record.put(part, "after the camera moved, median", median(found["camera"]), "s", _AIM)
    record.put(part, "after one object moved, median", median(found["object"]), "s", _AIM)
    record.series["silhouettes"] = found
