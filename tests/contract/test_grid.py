"""The original's grid configuration as a canvas of tiles."""

from __future__ import annotations

from typing import Any

import pytest

from engine.contract.checks import check
from engine.contract.errors import Problem
from engine.contract.job import Job

FOREST = {
    "cpu_vae": True,
    "gc": 8,
    "gc_tiles": None,
    "prompt": [["a", "b", "c"], ["d", "e", "f"]],
    "scheduler": "lms",
    "seed": 639688656,
    "steps": 50,
    "tile_col_overlap": 24,
    "tile_height": 64,
    "tile_row_overlap": 16,
    "tile_width": 64,
}


def read(**changes: Any) -> Job:
    return check({**FOREST, **changes}, folder=None).job_or_raise()


def problems(**changes: Any) -> list[Problem]:
    return list(check({**FOREST, **changes}, folder=None).problems)


def places(job: Job) -> list[tuple[int, int, int, int]]:
    return [(r.row_init, r.row_end, r.col_init, r.col_end) for r in job.reroll_regions]


def test_a_grid_is_a_canvas_of_gaussian_tiles() -> None:
    job = read()
    assert (job.canvas_height, job.canvas_width) == (64 + 48, 64 + 2 * 40)
    assert job.num_inference_steps == 50
    assert job.cpu_vae
    tiles = job.text_regions
    assert [tile.prompt for tile in tiles] == list("abcdef")
    assert {(t.mask_type, t.mask_weight, t.guidance_scale) for t in tiles} == {("gaussian", 1, 8)}
    assert (tiles[4].row_init, tiles[4].row_end, tiles[4].col_init, tiles[4].col_end) == (
        48,
        112,
        40,
        104,
    )


def test_the_long_names_mean_the_same_as_the_short_ones() -> None:
    short = {"gc": "guidance_scale", "gc_tiles": "guidance_scale_tiles"}
    long = {short.get(k, k): v for k, v in FOREST.items() if k != "steps"}
    long["num_inference_steps"] = 50
    assert check(long, folder=None).job_or_raise() == read()


def test_both_spellings_at_once_are_refused() -> None:
    assert [p.field for p in problems(guidance_scale=3)] == ["gc"]


def test_a_tiles_own_guidance_goes_before_the_common_one() -> None:
    job = read(gc_tiles=[[None, 4, None], [9, None, 0.5]])
    assert [r.guidance_scale for r in job.text_regions] == [8, 4, 8, 9, 8, 0.5]


def test_full_reseeds_the_tile_and_exclusive_what_no_other_tile_touches() -> None:
    seeds = [[1, None, None], [None, 2, None]]
    modes = [["full", "full", "full"], ["full", "exclusive", "full"]]
    job = read(seed_tiles=seeds, seed_tiles_mode=modes)
    assert places(job) == [(0, 64, 0, 64), (64, 112, 64, 80)]
    assert [r.region_seed for r in job.reroll_regions] == [1, 2]
    assert {r.reroll_mode for r in job.reroll_regions} == {"reset"}


def test_exclusive_on_a_single_row_leaves_the_overlaps_out() -> None:
    job = read(prompt=[["a", "b", "c"]], seed_tiles=[[1, 2, 3]], seed_tiles_mode="exclusive")
    assert places(job) == [(0, 64, 0, 40), (0, 64, 64, 80), (0, 64, 104, 144)]


def test_a_tile_without_cells_of_its_own_is_left_as_it_is() -> None:
    job = read(
        prompt=[["a", "b", "c"]],
        tile_col_overlap=40,
        seed_tiles=[[None, 2, None]],
        seed_tiles_mode="exclusive",
    )
    assert job.reroll_regions == ()


def test_reroll_regions_come_after_the_tiles_seeds() -> None:
    job = read(seed_tiles=[[1] * 3] * 2, seed_reroll_regions=[[8, 40, 16, 72, 555]])
    assert len(job.reroll_regions) == 7
    assert places(job)[-1] == (8, 40, 16, 72)
    assert job.reroll_regions[-1].region_seed == 555


def test_reroll_regions_off_the_grid_are_rounded_down_as_in_the_original_and_said_so() -> None:
    changes = {"seed_reroll_regions": [[0, 46, 15, 68, 5]]}
    assert places(read(**changes)) == [(0, 40, 8, 64)]
    assert {(p.field, p.severity) for p in problems(**changes)} == {
        ("seed_reroll_regions[0].row_end", "warning"),
        ("seed_reroll_regions[0].col_init", "warning"),
        ("seed_reroll_regions[0].col_end", "warning"),
    }


def test_the_originals_own_logs_can_be_run() -> None:
    assert read(git_commit="2e26556") == read()


def test_a_single_prompt_is_one_tile() -> None:
    job = read(prompt="alone")
    assert (job.canvas_height, job.canvas_width, len(job.regions)) == (64, 64, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": [["a"], ["b", "c"]]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": [["a", 3, "c"], ["d", "e", "f"]]}, "prompt[0][1]"),
        ({"tile_height": 60}, "tile_height"),
        ({"tile_col_overlap": 64}, "tile_col_overlap"),
        ({"tile_row_overlap": 4}, "tile_row_overlap"),
        ({"gc": -1}, "gc"),
        ({"gc_tiles": [[1, 2], [3, 4]]}, "gc_tiles"),
        ({"gc_tiles": [[1, 2, -3], [4, 5, 6]]}, "gc_tiles[0][2]"),
        ({"steps": 0}, "steps"),
        ({"seed_tiles": [[1.5, 2, 3], [4, 5, 6]]}, "seed_tiles[0][0]"),
        ({"seed_tiles_mode": "ful"}, "seed_tiles_mode"),
        ({"seed_tiles_mode": [["full"] * 3, ["ful"] * 3]}, "seed_tiles_mode[1][0]"),
        ({"seed_reroll_regions": 3}, "seed_reroll_regions"),
        ({"seed_reroll_regions": [[0, 8, 0, 8]]}, "seed_reroll_regions[0]"),
        ({"seed_reroll_regions": [[0, 8, 0, 8, None]]}, "seed_reroll_regions[0].region_seed"),
        ({"seed_reroll_regions": [[8, 8, 0, 8, 1]]}, "seed_reroll_regions[0].row_end"),
        ({"seed_reroll_regions": [[0, 8, 0, 800, 1]]}, "seed_reroll_regions[0].col_end"),
        ({"sed": 1}, "sed"),
    ],
)
def test_each_wrong_key_of_a_grid_is_named(changes: dict[str, Any], field: str) -> None:
    errors = [p for p in problems(**changes) if p.severity == "error"]
    assert field in [p.field for p in errors]
    assert all(p.remedy for p in errors)
