"""Piece `devices`: one canvas on one device, and shared among all of them by `torchrun`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.performance.card.setting import Setting, on_the_card, rehearsed
from benchmarks.performance.contest import engine_run, tiled_job
from benchmarks.performance.record import ROOT, Aim, Record
from engine.sampling.ranks import joined

AGAINST_ONE = "times as fast as one"
_LEAST_OF_EACH = 0.8
_ROWS, _COLUMNS = 2, 4
_PATIENCE_S = 5.0


def measure(record: Record, setting: Setting) -> None:
    """Eight windows on one device, then a share of them on each."""
    count = 2 if setting.is_rehearsal else torch.cuda.device_count()
    if count < 2:
        record.remark("one device against several: left out, this machine has one")
        return
    part = f"Devices, {setting.shape.name}, {_ROWS * _COLUMNS} windows of {setting.side_px}"
    step_s: dict[str, float] = {}
    for number in (1, count):
        step_s[f"devices: {number}"] = _together(setting, number)
        record.put(part, f"devices: {number}, a step", step_s[f"devices: {number}"], "s")
    aim = None if setting.is_rehearsal else Aim(value=_LEAST_OF_EACH * count)
    one, several = step_s.values()
    record.put(part, f"{count} devices: {AGAINST_ONE}", one / several, "x", aim)
    record.series["card, devices"] = {"label": "seconds a step", "values": step_s}


def _together(setting: Setting, count: int) -> float:
    """Return the seconds of a step that processes of `torchrun` make together."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "step_s"
        ranks = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
        own = ["-m", __name__, str(found), "rehearse" if setting.is_rehearsal else "card"]
        running = subprocess.Popen(
            [sys.executable, *ranks, *own],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # as torchrun has it for several
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            left_s = max(_PATIENCE_S, setting.until_s - time.monotonic())
            _, said = running.communicate(timeout=left_s)
        except subprocess.TimeoutExpired:
            running.terminate()  # ends its ranks, too
            try:
                running.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                running.kill()
            raise
        if running.returncode:
            raise RuntimeError(f"{count} ranks of torchrun failed: {said.strip()[-500:]}")
        return float(found.read_text(encoding="utf-8"))


def _rank(found: Path, setting: Setting) -> None:
    """Make this rank's share of two runs, and note the second's seconds a step."""
    job = tiled_job(
        _ROWS, _COLUMNS, setting.side_px, setting.overlap_px, steps=max(2, setting.steps // 5)
    )
    with joined() as ranks:
        model = setting.model()
        for _ in range(2):
            running = engine_run(job, model, ranks=ranks)
            next(running)  # the texts
            seconds, _ = setting.clock.time(
                lambda running=running: [next(running) for _ in range(job.num_inference_steps)]  # type: ignore[misc]
            )
        if ranks.is_first:
            found.write_text(str(seconds / job.num_inference_steps), encoding="utf-8")


if __name__ == "__main__":
    make = rehearsed if sys.argv[2] == "rehearse" else on_the_card
    _rank(Path(sys.argv[1]), make(0.0))
