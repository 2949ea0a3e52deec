"""Part `company`: the demo's job where others use the processor too, as a render does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.performance.clocks import clock_for, medians
from benchmarks.performance.phases import demo_document
from benchmarks.performance.processes import generate
from benchmarks.performance.record import Record
from engine.process.threads import SPINS_VARIABLE

_OPENMPS_OWN = "300000"  # of GNU's, where nobody chose


def measure(record: Record, *, quick: bool) -> None:
    """Run the job in processes of their own, alone and beside as many busy ones as cores."""
    with tempfile.TemporaryDirectory() as name:
        job = Path(name) / "job.json"
        job.write_text(json.dumps(demo_document(quick=quick)), encoding="utf-8")
        for part, busy in (("alone", 0), ("beside busy processes", os.cpu_count() or 1)):
            with _busy(busy):
                seconds = medians(
                    {
                        "as the engine waits": lambda: generate(job, variables={}),
                        "as OpenMP waits by itself": lambda: generate(
                            job, variables={SPINS_VARIABLE: _OPENMPS_OWN}
                        ),
                    },
                    clock_for(torch.device("cpu")),
                    1 if quick else 3,
                )
            group = f"The demo's job {part}, whole processes"
            for way, value in seconds.items():
                record.put(group, way, value, "s")
            ours, own = seconds.values()
            record.put(group, "the engine's way faster", own / ours)


@contextmanager
def _busy(count: int) -> Iterator[None]:
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
