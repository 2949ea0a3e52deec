"""Region weights against their formulas, what masks cover, and how large regions are cut."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.contract.job import MASK_TYPES, Image2ImageRegion, Job, Text2ImageRegion
from engine.contract.limits import Limits
from engine.contract.masks import profile
from engine.runtime.batching import RegionWindow
from engine.sampling.masks import (
    Weights,
    falloff_weights,
    mask_coverage,
    region_weights,
)
from engine.sampling.region_windows import coverage_warnings, region_windows
from engine.sampling.sampler import normalised
from engine.storage.images import open_mask

STRIDE = 8


def region(height: int = 40, width: int = 64, **changes: Any) -> Text2ImageRegion:
    values = {"row_init": 8, "col_init": 0, "prompt": "a road", **changes}
    return Text2ImageRegion(row_end=8 + height, col_end=width, **values)


def job_of(*regions: Text2ImageRegion, **changes: Any) -> Job:
    height = max(r.row_end for r in regions)
    width = max(r.col_end for r in regions)
    return Job(canvas_height=height, canvas_width=width, regions=regions, **changes)


def summed(windows: list[RegionWindow], job: Job) -> Weights:
    canvas = torch.zeros((job.canvas_height // STRIDE, job.canvas_width // STRIDE)).double()
    for one in windows:
        one.window.add_(canvas, one.weights)
    return canvas.numpy()


def test_constant_is_the_weight_everywhere() -> None:
    weights = falloff_weights(region(mask_type="constant", mask_weight=0.25), STRIDE)
    assert (weights == np.full((5, 8), 0.25)).all()


def test_gaussian_follows_its_formula() -> None:
    weights = falloff_weights(region(mask_type="gaussian"), STRIDE)
    row, column = 1, 6
    down = math.exp(-((row - 2.0) ** 2) / 25 / 0.02) / math.sqrt(2 * math.pi * 0.01)
    across = math.exp(-((column - 3.5) ** 2) / 64 / 0.02) / math.sqrt(2 * math.pi * 0.01)
    assert weights[row, column] == pytest.approx(down * across)


def test_quartic_follows_its_formula_from_end_to_end() -> None:
    values = profile("quartic", 11)
    assert values[0] == pytest.approx(15 / 16 * (1 - 0.995**2) ** 2)
    assert values[5] == pytest.approx(15 / 16)


@pytest.mark.parametrize("mask_type", MASK_TYPES)
@pytest.mark.parametrize("cells", [1, 2, 7, 64])
def test_every_profile_is_positive_and_the_same_from_both_ends(mask_type: str, cells: int) -> None:
    values = profile(mask_type, cells, 3.5)
    assert min(values) > 0
    assert values == pytest.approx(values[::-1])


@pytest.mark.parametrize("mask_type", ["constant", "gaussian", "quartic"])
def test_the_originals_shares_are_the_same_to_the_bit(mask_type: str) -> None:
    def original(cells: int) -> npt.NDArray[np.float64]:
        if mask_type == "constant":
            return np.ones(cells)
        if mask_type == "gaussian":
            middle = (cells - 1) / 2
            offsets = np.arange(cells) - middle
            scale = np.sqrt(2 * np.pi * 0.01)
            return np.exp(-offsets * offsets / (cells * cells) / (2 * 0.01)) / scale
        return 15 / 16 * (1 - np.linspace(-0.995, 0.995, cells) ** 2) ** 2

    for cells in (8, 40, 64, 80, 129):
        other = np.full((cells, cells), 0.5)
        ours = np.outer(profile(mask_type, cells), profile(mask_type, cells))
        theirs = np.outer(original(cells), original(cells))
        assert np.array_equal(
            (ours / (ours + other)).astype(np.float32),
            (theirs / (theirs + other)).astype(np.float32),
        )


def test_feather_is_flat_with_soft_edges_of_its_width() -> None:
    weights = falloff_weights(region(240, 320, mask_type="feather", feather_px=32), STRIDE)
    assert (weights[4:-4, 4:-4] == 1).all()
    edge = weights[15, :4]
    assert (np.diff(edge) > 0).all()
    assert edge == pytest.approx([0.5 - 0.5 * math.cos(math.pi * (i + 0.5) / 4) for i in range(4)])
    sharp = falloff_weights(region(240, 320, mask_type="feather", feather_px=0), STRIDE)
    assert (sharp == 1).all()


def test_a_feather_wider_than_its_region_ends_in_the_middle() -> None:
    weights = falloff_weights(region(16, 64, mask_type="feather", feather_px=500), STRIDE)
    assert (weights > 0).all()
    assert weights.max() == pytest.approx(weights[1, 4], rel=0.2)


def test_two_feathered_regions_share_their_overlap_and_fill_the_rest() -> None:
    left = region(64, 128, row_init=-8 + 8, mask_type="feather", feather_px=64)
    right = Text2ImageRegion(
        row_init=0, row_end=72, col_init=64, col_end=192, mask_type="feather", feather_px=64
    )
    job = Job(canvas_height=72, canvas_width=192, regions=(left, right))
    shares = normalised(region_windows(job, STRIDE, {}), torch.zeros(1, 4, 9, 24))
    assert (shares[0][4, :8] == 1).all()
    crossing = shares[0][4, 8:16]
    assert (crossing.diff() < 0).all()
    assert crossing + shares[1][4, :8] == pytest.approx(1)


def half(width: int, height: int) -> npt.NDArray[np.float32]:
    """Return a mask whose left half is white."""
    values = np.zeros((height, width), np.float32)
    values[:, : width // 2] = 1
    return values


def test_a_mask_is_laid_over_its_region_and_averaged_to_the_cells() -> None:
    masked = region(40, 64, mask="m", mask_type="constant", mask_weight=2.0)
    weights = region_weights(masked, job_of(masked), STRIDE, {"m": half(640, 400)})
    assert weights == pytest.approx(np.tile([2.0] * 4 + [0.0] * 4, (5, 1)))
    odd = region_weights(masked, job_of(masked), STRIDE, {"m": half(18, 3)})
    assert odd[0] == pytest.approx([2.0] * 4 + [0.0] * 4)
    third = np.array([[1, 0, 0]], np.float32)
    cells = mask_coverage(third, masked, job_of(masked), STRIDE)[0]
    assert cells == pytest.approx([1, 1, 2 / 3, 0, 0, 0, 0, 0], abs=1e-6)


def test_a_mask_over_the_canvas_is_seen_where_the_region_lies() -> None:
    masked = Text2ImageRegion(
        row_init=0, row_end=64, col_init=32, col_end=96, mask="m", mask_area="canvas"
    )
    job = Job(canvas_height=64, canvas_width=128, regions=(masked,))
    cells = mask_coverage(half(128, 64), masked, job, STRIDE)
    assert (cells == np.tile([1.0] * 4 + [0.0] * 4, (8, 1))).all()


def test_a_mask_multiplies_the_regions_own_falloff() -> None:
    masked = region(40, 64, mask="m")
    weights = region_weights(masked, job_of(masked), STRIDE, {"m": half(64, 40)})
    plain = falloff_weights(masked, STRIDE)
    assert np.array_equal(weights[:, :4], plain[:, :4])
    assert not weights[:, 4:].any()


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_weights_sum_to_one_wherever_anything_generates(seed: int, cuts: bool) -> None:
    random = np.random.default_rng(seed)
    regions, masks = [], {}
    for index in range(4):
        top, left = (int(v) for v in random.integers(0, 8, 2))
        masks[f"m{index}"] = np.maximum(random.random((9, 11)) - 0.3, 0).astype(np.float32)
        regions.append(
            Text2ImageRegion(
                row_init=8 * top,
                row_end=8 * (top + int(random.integers(1, 20))),
                col_init=8 * left,
                col_end=8 * (left + int(random.integers(1, 20))),
                mask_type=MASK_TYPES[int(random.integers(len(MASK_TYPES)))],
                mask=f"m{index}" if random.random() < 0.7 else None,
            )
        )
    job = Job(
        canvas_height=224,
        canvas_width=224,
        regions=tuple(regions),
        max_region_px=72 if cuts else None,
    )
    windows = region_windows(job, STRIDE, masks)
    canvas = torch.zeros(1, 4, 28, 28)
    total, weighed = torch.zeros(28, 28), torch.zeros(28, 28)
    for one, share in zip(windows, normalised(windows, canvas), strict=True):
        one.window.add_(total, share)
        one.window.add_(weighed, one.weights.float())
    assert total[weighed > 0] == pytest.approx(1, abs=1e-5)
    assert not total[weighed == 0].any()


@pytest.mark.parametrize("mask_type", MASK_TYPES)
@pytest.mark.parametrize("is_masked", [False, True])
def test_the_windows_of_a_large_region_add_up_to_its_weights(
    mask_type: str, is_masked: bool
) -> None:
    mask = "m" if is_masked else None
    whole = region(1024, 1536, mask_type=mask_type, mask_weight=0.5, mask=mask)
    masks = {"m": np.random.default_rng(0).random((50, 60)).astype(np.float32)}
    job = job_of(whole, max_region_px=256)
    windows = region_windows(job, STRIDE, masks)
    assert len(windows) > 40
    assert max(max(one.window.height, one.window.width) for one in windows) <= 32
    found = summed(windows, job)[1:]
    assert found == pytest.approx(region_weights(whole, job, STRIDE, masks), rel=1e-9)


def test_a_canvas_of_the_originals_meaning_is_never_cut() -> None:
    job = job_of(region(2048, 2048))
    (only,) = region_windows(job, STRIDE, {})
    assert (only.window.height, only.window.width) == (256, 256)


def test_a_region_of_the_longest_side_is_one_window() -> None:
    assert len(region_windows(job_of(region(512, 512), max_region_px=512), STRIDE, {})) == 1
    assert len(region_windows(job_of(region(520, 512), max_region_px=512), STRIDE, {})) == 2


def test_windows_in_which_a_mask_covers_nothing_are_left_out() -> None:
    whole = region(512, 1024, mask="m")
    uncut = region_windows(job_of(region(512, 1024), max_region_px=256), STRIDE, {})
    cut = region_windows(job_of(whole, max_region_px=256), STRIDE, {"m": half(1024, 512)})
    assert 0 < len(cut) < len(uncut)
    assert max(one.window.left for one in cut) < 64


def test_what_masks_leave_bare_is_said() -> None:
    masked, other = region(40, 64, mask="m", name="left"), region(40, 64, mask="n", name="none")
    job = Job(canvas_height=48, canvas_width=64, regions=(masked, other))
    masks = {"m": half(64, 40), "n": np.zeros((4, 4), np.float32)}
    found = coverage_warnings(job, region_windows(job, STRIDE, masks), STRIDE, masks)
    assert [problem.region for problem in found] == ["none", ""]
    assert "covers nothing" in found[0].message
    assert "58.3%" in found[1].message
    assert {problem.severity for problem in found} == {"warning"}


@pytest.mark.parametrize(
    ("mode", "pixel", "level"),
    [
        ("L", 51, 0.2),
        ("RGB", (255, 255, 255), 1.0),
        ("RGBA", (255, 255, 255, 102), 0.4),
        ("LA", (128, 0), 0.0),
        ("1", 1, 1.0),
        ("I;16", 16384, 0.25),
    ],
)
def test_masks_are_read_as_brightness_times_opacity(
    mode: str, pixel: Any, level: float, tmp_path: Path
) -> None:
    Image.new(mode, (3, 2), pixel).save(tmp_path / "mask.png")
    mask = open_mask(tmp_path / "mask.png", Limits())
    assert mask == pytest.approx(level, abs=0.002)


def test_an_image_region_may_have_a_mask() -> None:
    image = Image2ImageRegion(
        row_init=0, row_end=64, col_init=0, col_end=64, reference_image="p", mask="m"
    )
    job = Job(canvas_height=64, canvas_width=64, regions=(region(), image))
    assert mask_coverage(half(64, 64), image, job, STRIDE)[:, :4].all()
