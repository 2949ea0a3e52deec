"""What stands beside the engine in the benchmark does the same job; its speed is not tested."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from benchmarks.performance import peers, rivals
from benchmarks.performance.contest import row_job
from benchmarks.performance.peers import PLAIN, Peer, measure_on
from benchmarks.performance.record import Record
from benchmarks.performance.turns import Contestant, Work
from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.job import Job, Text2ImageRegion

JOB = row_job(2, 64, 32, steps=1)


def unable(_folder: Path, _job: Job) -> Work:
    raise ValueError("no such model\nand more of it")


def test_every_job_has_texts_of_its_own() -> None:
    jobs = peers._jobs(JOB)
    first, second = next(jobs), next(jobs)
    for one, other in zip(first.regions, second.regions, strict=True):
        assert isinstance(one, Text2ImageRegion)
        assert isinstance(other, Text2ImageRegion)
        assert one.prompt != other.prompt
        assert len(one.prompt) == len(other.prompt)


@pytest.mark.slow
def test_a_peer_that_cannot_load_says_why_in_a_line() -> None:
    with pytest.raises(RuntimeError, match=r"^ValueError: no such model$"):
        Contestant(unable, BUNDLED_FOLDER, JOB)


@pytest.mark.slow
def test_the_loop_makes_the_engines_picture_and_what_is_missing_is_said() -> None:
    record = Record()
    loop = partial(rivals.plain_loop, dtype=torch.float32)
    rows = {
        PLAIN: Peer(prepare=loop),
        "broken": Peer(prepare=unable),
        "absent": Peer(prepare=loop, package="no_such_package"),
        "for another model": Peer(prepare=loop, only_sd15=True),
    }
    measure_on(record, "part", BUNDLED_FOLDER, JOB, rows, rounds=1)
    (figures,) = record.figures.values()
    values = {figure.name: figure.value for figure in figures}
    assert values["engine, latents' distance from the plain loop in float32"] < 0.02
    assert values[f"{PLAIN}, time over the engine's"] > 0
    if sys.platform == "linux":
        assert values["engine, highest memory of its process"] > 10**8
    assert record.remarks == [
        "broken: failed: ValueError: no such model",
        "for another model: knows Stable Diffusion's own sizes alone: left out",
    ]
    assert record.series["peers"]["part"].keys() == {PLAIN, "engine"}
