"""Regions generated where they count alone, and in windows that lie elsewhere in each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.contract.cuts import OVERLAPPING, SHIFTING, TRIMMED, TURNS
from engine.contract.effort import denoised_cells
from engine.contract.job import Job, Text2ImageRegion, to_document
from engine.contract.schedulers import SCHEDULERS
from engine.families.base import Model
from engine.runtime.batching import Prediction, RegionWindow, in_turn
from engine.runtime.controls import Elapsed
from engine.sampling.masks import region_weights
from engine.sampling.ranks import Ranks
from engine.sampling.region_windows import coverage_warnings, region_windows
from engine.sampling.sampler import normalised
from tests.engine.runs import generated

STRIDE = 8


def region(bounds: tuple[int, int, int, int], **changes: Any) -> Text2ImageRegion:
    top, bottom, left, right = bounds
    values = {"prompt": "a road", "mask_type": "feather", "guidance_scale": 2.0, **changes}
    return Text2ImageRegion(row_init=top, row_end=bottom, col_init=left, col_end=right, **values)


def job_of(height: int, width: int, *regions: Text2ImageRegion, **changes: Any) -> Job:
    return Job(canvas_height=height, canvas_width=width, regions=regions, seed=1, **changes)


def cells_of(windows: Sequence[RegionWindow]) -> float:
    """Return how many cells a step sees, on average over the turns."""
    turns = [in_turn(windows, turn) for turn in range(TURNS)]
    return sum(one.window.height * one.window.width for turn in turns for one in turn) / TURNS


def street() -> tuple[Text2ImageRegion, ...]:
    """Layers one before the other, as a scene has them."""
    return (
        region((0, 304, 0, 1024), mask_weight=0.03, name="sky"),
        region((0, 480, 0, 296), mask_weight=1.0, name="left"),
        region((0, 480, 728, 1024), mask_weight=1.0, name="right"),
        region((288, 512, 0, 480), mask_weight=30.0, name="grass"),
        region((288, 512, 544, 1024), mask_weight=30.0, name="meadow"),
        region((288, 512, 208, 816), mask_weight=900.0, name="road"),
    )


@pytest.mark.parametrize("wrap", ["none", "x", "both"])
@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("bounds", [(0, 640, 0, 960), (64, 576, 160, 800)])
def test_in_each_turn_the_windows_have_the_whole_weights_of_their_region(
    wrap: str, patch: int, bounds: tuple[int, int, int, int]
) -> None:
    one = region(bounds, mask_weight=2.0)
    job = job_of(640, 960, one, max_region_px=256, windows=SHIFTING, wrap=wrap)
    windows = region_windows(job, STRIDE, {}, patch=patch)
    top, bottom, left, right = (side // STRIDE for side in bounds)
    seen = set()
    for turn in range(TURNS):
        canvas = torch.zeros(80, 120).double()
        found = in_turn(windows, turn)
        seen.add(tuple((w.window.top, w.window.left) for w in found))
        for w in found:
            place = w.window
            sides = (place.top, place.bottom, place.left, place.right)
            assert all(side % patch == 0 for side in sides)
            assert max(place.height, place.width) <= 32
            place.add_(canvas, w.weights)
        weights = region_weights(one, job, STRIDE, {})
        assert canvas[top:bottom, left:right].numpy() == pytest.approx(weights, rel=1e-9)
        assert canvas.sum() == pytest.approx(weights.sum())
    assert len(seen) == TURNS


def test_shifting_windows_see_little_more_than_the_canvas() -> None:
    large = job_of(2048, 2048, region((0, 2048, 0, 2048)), max_region_px=320)
    layers = job_of(512, 1024, *street(), max_region_px=320)
    for job, most in ((large, 1.2), (layers, 1.3)):
        cells = job.canvas_height * job.canvas_width / STRIDE**2
        found = {
            kind: cells_of(
                region_windows(
                    job_of(
                        job.canvas_height,
                        job.canvas_width,
                        *job.text_regions,
                        max_region_px=320,
                        windows=kind,
                    ),
                    STRIDE,
                    {},
                )
            )
            for kind in (OVERLAPPING, TRIMMED, SHIFTING)
        }
        assert cells <= found[SHIFTING] <= most * cells
        assert found[OVERLAPPING] > 2 * cells
        assert found[SHIFTING] < found[TRIMMED] <= found[OVERLAPPING]


def test_what_is_trimmed_would_hardly_be_seen() -> None:
    whole = region_windows(job_of(512, 1024, *street()), STRIDE, {})
    trimmed = region_windows(job_of(512, 1024, *street(), windows=TRIMMED), STRIDE, {})
    canvas = torch.zeros(1, 4, 64, 128)
    shares = []
    for windows in (whole, trimmed):
        maps = torch.zeros(6, 64, 128)
        for one, share in zip(windows, normalised(windows, canvas), strict=True):
            one.window.add_(maps[one.region], share)
        assert maps.sum(0) == pytest.approx(1, abs=1e-5)
        shares.append(maps)
    assert (shares[0] - shares[1]).abs().max() < 0.15
    assert (shares[0] - shares[1]).abs().mean() < 0.01


def test_a_region_behind_others_is_said_and_not_generated() -> None:
    hidden = region((0, 256, 0, 256), mask_weight=0.001, name="hidden")
    before = region((0, 256, 0, 256), mask_type="constant", name="before")
    job = job_of(256, 256, hidden, before, windows=TRIMMED)
    windows = region_windows(job, STRIDE, {})
    assert {one.region for one in windows} == {1}
    (problem,) = coverage_warnings(job, windows, STRIDE, {})
    assert (problem.region, problem.field) == ("hidden", "mask_weight")
    assert "nothing is seen" in problem.message
    kept = region_windows(job_of(256, 256, hidden, before), STRIDE, {})
    assert {one.region for one in kept} == {0, 1}


def test_a_black_mask_is_told_from_a_region_that_is_hidden() -> None:
    masked = region((0, 256, 0, 256), mask="black", name="masked")
    job = job_of(256, 256, region((0, 256, 0, 256), name="before"), masked, windows=SHIFTING)
    masks = {"black": np.zeros((8, 8), np.float32)}
    (problem,) = coverage_warnings(job, region_windows(job, STRIDE, masks), STRIDE, masks)
    assert (problem.region, problem.field) == ("masked", "mask")
    assert "make white" in problem.remedy


def test_a_part_that_hardly_shows_is_seen_with_something_around_it() -> None:
    strip = region((0, 512, 0, 512), mask_weight=0.001, mask_type="constant")
    before = region((0, 512, 24, 512), mask_type="constant")
    job = job_of(512, 512, strip, before, max_region_px=256, windows=TRIMMED)
    (left,) = {
        (one.window.left, one.window.right)
        for one in region_windows(job, STRIDE, {})
        if one.region == 0
    }
    assert left == (0, 16)  # half of the longest side


def test_a_region_may_have_windows_of_its_own() -> None:
    still = region((0, 512, 0, 512), windows=TRIMMED)
    job = job_of(512, 1024, still, region((0, 512, 512, 1024)), max_region_px=256, windows=SHIFTING)
    turns = {
        index: {one.turn for one in region_windows(job, STRIDE, {}) if one.region == index}
        for index in range(2)
    }
    assert turns == {0: {None}, 1: set(range(TURNS))}


def test_ranks_have_about_as_many_cells_in_each_turn() -> None:
    job = job_of(1024, 1024, region((0, 1024, 0, 1024)), max_region_px=256, windows=SHIFTING)
    windows = region_windows(job, STRIDE, {})
    shares = [Ranks(number, 2).share(windows) for number in range(2)]
    assert sorted([*shares[0], *shares[1]]) == list(range(len(windows)))
    for turn in range(TURNS):
        cells = [
            sum(w.window.height * w.window.width for w in in_turn([windows[i] for i in own], turn))
            for own in shares
        ]
        assert max(cells) < 1.1 * min(cells)


def test_a_step_predicts_the_windows_of_its_turn(tiny: Model) -> None:
    job = job_of(128, 256, region((0, 128, 0, 256)), max_region_px=64, windows=SHIFTING)
    windows = region_windows(job, STRIDE, {})
    plan = tiny.denoiser.plan(job, windows)
    canvas, t = torch.zeros(1, 4, 16, 32), torch.tensor(500)
    for step in (0, 3, TURNS + 3):
        found = list(plan.predict(canvas, t, Elapsed(step=step, steps=20)))
        assert {windows[one.window].turn for one in found} == {step % TURNS}
        assert len(found) == len(in_turn(windows, step % TURNS))


class _Steady:
    """Says the same everywhere, as a network would that sees no edges."""

    def __init__(self, windows: Sequence[RegionWindow]) -> None:
        self._windows = windows

    def predict(
        self, model_input: Tensor, t: Tensor, elapsed: Elapsed | None = None
    ) -> Iterator[Prediction]:
        step = 0 if elapsed is None else elapsed.step
        for index, one in enumerate(self._windows):
            if one.is_in(step % TURNS):
                yield Prediction(window=index, value=one.window.take(model_input) * 0.5)


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS))
def test_what_sees_no_edges_paints_the_same_in_windows_of_any_kind(
    scheduler: str, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny.denoiser, "plan", lambda job, windows, *more: _Steady(windows))
    found = []
    for kind in (OVERLAPPING, SHIFTING):
        job = job_of(
            128,
            256,
            region((0, 128, 0, 256), mask_type="constant"),
            max_region_px=64,
            windows=kind,
            scheduler=scheduler,
            num_inference_steps=5,
        )
        found.append(generated(to_document(job), tiny).latents)
    assert torch.isfinite(found[0]).all()
    assert found[1].numpy() == pytest.approx(found[0].numpy(), abs=1e-4)


def test_the_effort_is_that_of_the_windows() -> None:
    whole = region((0, 1024, 0, 1024))
    for kind in (OVERLAPPING, SHIFTING):
        job = job_of(1024, 1024, whole, max_region_px=256, windows=kind, num_inference_steps=10)
        seen = cells_of(region_windows(job, STRIDE, {}))
        assert denoised_cells(job, STRIDE) == pytest.approx(2 * 10 * seen, rel=0.01)


def test_uncut_regions_that_hide_nothing_are_what_they_were() -> None:
    regions = (region((0, 256, 0, 256)), region((0, 256, 192, 448)))
    for kind in (TRIMMED, SHIFTING):
        plain = region_windows(job_of(256, 448, *regions), STRIDE, {})
        other = in_turn(region_windows(job_of(256, 448, *regions, windows=kind), STRIDE, {}), 0)
        assert [one.window for one in other] == [one.window for one in plain]
        assert all(np.array_equal(a.weights, b.weights) for a, b in zip(other, plain, strict=True))
