"""Part `peers`: whole jobs of the engine beside what a person could use on the same weights."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.performance import rivals
from benchmarks.performance.contest import ENGINE, row_job
from benchmarks.performance.record import Aim, Record
from benchmarks.performance.shapes import SHAPES, Shape, pipeline_of
from benchmarks.performance.turns import Contestant, Done, Latents, Prepare
from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.job import Job, Text2ImageRegion
from engine.process.kernels import keep_kernels
from engine.process.threads import wait_briefly

_SIDE_PX, _OVERLAP_PX = 320, 96
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Something that a person could use instead; `package` is what it needs beside the project."""

    prepare: Prepare
    package: str | None = None
    only_sd15: bool = False
    """Whether it has the sizes of Stable Diffusion 1.5 built in."""

    @property
    def is_there(self) -> bool:
        """Return whether its package is installed."""
        return self.package is None or find_spec(self.package) is not None


_LOOP = "plain loop (the original's, and of diffusers' mixture_canvas)"
PLAIN = f"{_LOOP}, float32"
PEERS = {
    PLAIN: Peer(prepare=partial(rivals.plain_loop, dtype=torch.float32)),
    f"{_LOOP}, bfloat16": Peer(prepare=partial(rivals.plain_loop, dtype=torch.bfloat16)),
    "diffusers, one picture of the canvas's size, float32": Peer(
        prepare=partial(rivals.diffusers_picture, dtype=torch.float32)
    ),
    "diffusers, one picture of the canvas's size, bfloat16": Peer(
        prepare=partial(rivals.diffusers_picture, dtype=torch.bfloat16)
    ),
    "OpenVINO in the plain loop, bfloat16": Peer(prepare=rivals.openvino_loop, package="openvino"),
    "stable-diffusion.cpp, one picture of the canvas's size": Peer(
        prepare=rivals.stable_diffusion_cpp, package="stable_diffusion_cpp", only_sd15=True
    ),
}
_INSTALLED_AS = {
    "openvino": "openvino",
    "stable_diffusion_cpp": "stable-diffusion-cpp-python",
}


def measure(record: Record, *, quick: bool) -> None:
    """Three regions in a row on the bundled model, and on a model of Stable Diffusion 1.5's shape.

    For a quick look the second is a tiny one, and both take few steps.
    """
    for package, name in _INSTALLED_AS.items():
        if find_spec(package) is None:
            record.remark(f"{name} is not installed: pip install {name}, then measure again")
    steps, rounds = (1, 1) if quick else (10, 5)
    job = row_job(3, _SIDE_PX, _OVERLAP_PX, steps=steps)
    part = f"Bundled model, three {_SIDE_PX} × {_SIDE_PX} regions, {steps} steps"
    measure_on(record, part, BUNDLED_FOLDER, job, PEERS, rounds=rounds)

    shape = SHAPES["tiny" if quick else "sd15"]
    steps, rounds = (1, 1) if quick else (2, 3)
    job = row_job(3, _SIDE_PX, _OVERLAP_PX, steps=steps)
    part = f"{shape.name}, three {_SIDE_PX} × {_SIDE_PX} regions, {steps} steps"
    with _stored(shape) as folder:
        measure_on(record, part, folder, job, PEERS, rounds=rounds, is_sd15=not quick)


@contextmanager
def _stored(shape: Shape) -> Iterator[Path]:
    """Give a folder with a model of a shape: its weights are random ones that bfloat16 has."""
    with tempfile.TemporaryDirectory() as folder:
        model: Any = pipeline_of(shape, device=torch.device("cpu"), dtype=torch.bfloat16)
        model.save_pretrained(folder)
        del model
        yield Path(folder)


def measure_on(
    record: Record,
    part: str,
    folder: Path,
    job: Job,
    peers: dict[str, Peer],
    *,
    rounds: int,
    is_sd15: bool = False,
) -> None:
    """Let the engine and one peer after another do a job in turn, each in a process of its own.

    Ratios are medians over pairs of jobs that followed each other. The first job of each warms up,
    and says how much memory its process holds at its highest. Every job has texts of its own, so
    that all of them encode texts.
    """
    engine = Contestant(rivals.engine, folder, job, _settled_as_the_engine)
    jobs = _jobs(job)
    try:
        first = next(jobs)
        engines = [engine.run(first, with_peak=True)]
        expected: Latents | None = None
        seconds: dict[str, float] = {}
        for name, peer in peers.items():
            if not peer.is_there or (peer.only_sd15 and not is_sd15):
                if peer.is_there:
                    record.remark(f"{name}: knows Stable Diffusion's own sizes alone: left out")
                continue
            try:
                found = _paired(engine, peer, folder, [first, *_some(jobs, rounds)])
            except RuntimeError as error:
                record.remark(f"{name}: failed: {error}")
                continue
            ours, theirs = found
            engines += _warm(ours)
            pairs = list(zip(_warm(ours), _warm(theirs), strict=True))
            seconds[name] = median(done.seconds for _, done in pairs)
            ratio = median(peer.seconds / own.seconds for own, peer in pairs)
            record.put(part, f"{name}, a job", seconds[name], "s")
            record.put(part, f"{name}, time over the engine's", ratio, "x", Aim(value=1))
            _put_memory(record, part, name, theirs[0])
            if name == PLAIN:
                expected = theirs[0].latents
                _put_distance(record, part, ENGINE, engines[0].latents, expected)
            else:
                _put_distance(record, part, name, theirs[0].latents, expected)
    finally:
        engine.close()
    seconds[ENGINE] = median(done.seconds for done in engines[1:])
    record.put(part, f"{ENGINE}, a job", seconds[ENGINE], "s")
    _put_memory(record, part, ENGINE, engines[0])
    record.series.setdefault("peers", {})[part] = seconds


def _settled_as_the_engine() -> None:
    """Set what the engine's own command sets before torch is imported."""
    wait_briefly()
    keep_kernels()


def _paired(
    engine: Contestant, peer: Peer, folder: Path, jobs: Sequence[Job]
) -> tuple[list[Done], list[Done]]:
    """Return what the engine says of the same jobs as a peer, the first of which warms the peer up.

    As many as there are or as patience allows. Where a peer's first takes longer than that by
    itself, it stands alone: no warming up matters then.
    """
    rival = Contestant(peer.prepare, folder, jobs[0])
    try:
        theirs = [rival.run(jobs[0], with_peak=True)]
        ours = [engine.run(jobs[0])]
        if theirs[0].seconds > _PATIENCE_S:
            return ours, theirs
        began = time.monotonic()
        for job in jobs[1:]:
            ours.append(engine.run(job))
            theirs.append(rival.run(job))
            if time.monotonic() - began > _PATIENCE_S:
                break
    finally:
        rival.close()
    return ours, theirs


def _warm(jobs: Sequence[Done]) -> Sequence[Done]:
    return jobs[1:] or jobs


def _jobs(job: Job) -> Iterator[Job]:
    """Yield a job again and again, its texts ever new ones of the same length or so."""
    number = 100
    while True:
        regions = tuple(
            replace(region, prompt=f"{region.prompt}, {number}")
            if isinstance(region, Text2ImageRegion)
            else region
            for region in job.regions
        )
        yield replace(job, regions=regions)
        number += 1


def _some(jobs: Iterator[Job], count: int) -> list[Job]:
    return [next(jobs) for _ in range(count)]


def _put_memory(record: Record, part: str, name: str, first: Done) -> None:
    if first.peak_bytes is not None:
        record.put(part, f"{name}, highest memory of its process", first.peak_bytes, "B")


def _put_distance(
    record: Record, part: str, name: str, found: Latents | None, expected: Latents | None
) -> None:
    if found is None or expected is None:
        return
    distance = float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    record.put(part, f"{name}, latents' distance from the plain loop in float32", distance, "")
