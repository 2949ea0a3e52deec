"""How much a job asks of a network."""

from dataclasses import replace
from typing import Any

from engine.contract.effort import denoised_cells
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.references import ReferencePicture


def region(width_px: int, guidance_scale: float | None = 5.0) -> Text2ImageRegion:
    return Text2ImageRegion(
        row_init=0,
        row_end=64,
        col_init=0,
        col_end=width_px,
        prompt="moss",
        guidance_scale=guidance_scale,
    )


def job(*regions: Text2ImageRegion, max_region_px: int | None = None) -> Job:
    return Job(
        canvas_height=64,
        canvas_width=256,
        num_inference_steps=10,
        regions=regions,
        max_region_px=max_region_px,
    )


def test_guidance_is_a_second_pass() -> None:
    assert denoised_cells(job(region(64)), 8) == 10 * 2 * 8 * 8
    assert denoised_cells(job(region(64, guidance_scale=1.0)), 8) == 10 * 8 * 8
    assert denoised_cells(job(region(64, guidance_scale=None)), 8) == 10 * 2 * 8 * 8


def test_windows_that_overlap_count_each() -> None:
    whole = denoised_cells(job(region(256)), 8)
    assert denoised_cells(job(region(256), max_region_px=256), 8) == whole
    assert denoised_cells(job(region(256), max_region_px=96), 8) > 1.3 * whole


def test_what_weighs_nothing_is_not_predicted() -> None:
    silent = replace(region(128), mask_weight=0.0)
    assert denoised_cells(job(region(64), silent), 8) == denoised_cells(job(region(64)), 8)


def test_the_base_pass_counts_at_the_steps_and_the_size_that_it_has() -> None:
    without = job(region(128), region(128))
    base: dict[str, Any] = {"base_prompt": "a", "base_strength": 0.3}
    own = denoised_cells(replace(without, **base, base_end=0.3), 8) - denoised_cells(without, 8)
    assert own == 3 * 2 * 8 * 32
    distilled = replace(without, **base, base_end=0.3, base_guidance_scale=1.0)
    assert denoised_cells(distilled, 8) - denoised_cells(without, 8) == 3 * 8 * 32
    cut = replace(without, max_region_px=64)
    smaller = denoised_cells(replace(cut, **base), 8) - denoised_cells(cut, 8)
    assert smaller == 5 * 2 * 4 * 16


def test_pictures_that_a_network_is_shown_count_and_those_of_an_adapter_do_not() -> None:
    own = replace(region(64), references=(ReferencePicture(image="a", end=0.5),))
    adapted = replace(own, references=(replace(own.references[0], model="b"),))
    assert denoised_cells(job(own), 16) == 10 * 2 * (4 * 4 + 2048)
    assert denoised_cells(job(adapted), 8) == denoised_cells(job(region(64)), 8)
