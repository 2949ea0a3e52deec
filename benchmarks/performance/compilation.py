"""Part `compilation`: what compiled blocks cost at first and gain later, on the demo's job."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.performance.phases import demo_document
from benchmarks.performance.processes import generate
from benchmarks.performance.record import Record
from engine.runtime.compilation import CACHE_VARIABLE

_ROUNDS = 2


def measure(record: Record, *, quick: bool) -> None:
    """Run the job in processes of their own: as it is, compiled at first, compiled before."""
    part = "The demo's job, blocks compiled, whole processes"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        document = demo_document(quick=quick)
        (folder / "job.json").write_text(json.dumps(document), encoding="utf-8")
        first = _seconds(folder, "--compile")
        laps = [(_seconds(folder), _seconds(folder, "--compile")) for _ in range(_ROUNDS)]
    plain, compiled = (min(lap) for lap in zip(*laps, strict=True))
    record.put(part, "as it is", plain, "s")
    record.put(part, "compiled, first start", first, "s")
    record.put(part, "compiled, later starts", compiled, "s")
    record.put(part, "later starts against as it is", compiled / plain)


def _seconds(folder: Path, *options: str) -> float:
    variables = {CACHE_VARIABLE: str(folder / "programs")}
    began = time.perf_counter()
    generate(folder / "job.json", *options, variables=variables)
    return time.perf_counter() - began
