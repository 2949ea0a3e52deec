"""What the benchmark of silhouettes asks for, and how it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
from benchmarks.silhouettes import (
    SHAPES,
    SIDE_PX,
    WAYS,
    Painted,
    job_of,
    shape_mask,
)
from engine.contract.checks import check


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES)
def test_its_jobs_are_jobs(shape: str, way: str, tmp_path: Path) -> None:
    wanted = shape_mask(shape)
    for name in ("thing", "ground"):
        Image.fromarray(wanted).save(tmp_path / f"{name}.png")
    job = check(job_of("bricks", "grass", wanted, way, 1), folder=tmp_path).job_or_raise()
    rows, columns = (np.flatnonzero(wanted.any(axis)) for axis in (1, 0))
    thing = job.text_regions[1]
    assert thing.row_init <= rows[0] < rows[-1] < thing.row_end
    assert thing.col_init <= columns[0] < columns[-1] < thing.col_end


def test_overlap_and_spill_are_counted() -> None:
    wanted, found = np.zeros((2, SIDE_PX, SIDE_PX), bool)
    wanted[:100, :100] = True
    found[:100, 50:150] = True
    canvas = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    painted = Painted(caption="", canvas=canvas, wanted=wanted, found=found)
    assert painted.overlap == pytest.approx(1 / 3)
    assert painted.spill == pytest.approx(1 / 2)
