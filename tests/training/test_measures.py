"""The benchmark's measures: they pass what is right and fail what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
from benchmarks.colours import colour_shares, shows_colour
from benchmarks.generation import own_columns, row_of
from benchmarks.guided import likeness
from benchmarks.seams import same_prompt_ratio, worst_step_ratio
from benchmarks.tables import markdown, share_of
from training.painting.colours import NAMED
from training.painting.prompts import Wish, paint


def _picture(wish: Wish, seed: int = 1, width_px: int = 128) -> np.ndarray:
    picture = paint(wish, 128, width_px, np.random.default_rng(seed))
    return np.round(picture * 255).astype(np.uint8)


@pytest.mark.parametrize("colour", sorted(NAMED))
def test_a_painted_wall_shows_its_own_colour_and_no_other(colour: str) -> None:
    picture = _picture(Wish(concept="knitting", colour=colour))
    found = [name for name in NAMED if shows_colour(picture, Wish(concept="knitting", colour=name))]
    assert found == [colour]


def test_two_colours_must_both_be_there() -> None:
    picture = _picture(Wish(concept="stripes", colour="blue", second="yellow"))
    assert shows_colour(picture, Wish(concept="stripes", colour="yellow", second="blue"))
    assert not shows_colour(picture, Wish(concept="stripes", colour="blue", second="red"))


def test_shares_sum_to_one() -> None:
    assert sum(colour_shares(_picture(Wish(concept="flowers"))).values()) == pytest.approx(1.0)


def test_a_whole_picture_has_no_seam_and_two_pasted_ones_do() -> None:
    whole = _picture(Wish(concept="sand"), width_px=224)
    assert same_prompt_ratio([whole]) < 1.3
    left, right = _picture(Wish(concept="snow")), _picture(Wish(concept="asphalt"))
    pasted = np.concatenate([left[:, :112], right[:, 16:]], axis=1)
    assert worst_step_ratio(pasted) > 2.0
    assert same_prompt_ratio([pasted]) > same_prompt_ratio([whole])


def test_the_regions_of_a_row_share_the_canvas_without_gap() -> None:
    patches, width = row_of(["a", "b", "c"], overlap_px=32)
    owned = [own_columns(i, 3, 128, 32) for i in range(3)]
    assert patches[-1].left + patches[-1].width == width == 320
    assert owned[0].start == 0
    assert owned[-1].stop == width
    assert owned[0].stop == owned[1].start
    assert owned[1].stop == owned[2].start


def test_likeness_is_one_with_itself_and_small_with_another() -> None:
    first, second = _picture(Wish(concept="sky"), 1), _picture(Wish(concept="checkerboard"), 2)
    assert likeness(first, first) == pytest.approx(1.0)
    assert likeness(first, second) < 0.5


def test_the_table_says_which_bars_are_cleared() -> None:
    text = markdown(
        {
            "single prompts, all: concept": share_of(0.91, 200),
            "mixtures, per region: concept": share_of(0.5, 100),
        }
    )
    assert "| 91.0% of 200 | at least 90% | yes |" in text
    assert "| 50.0% of 100 | at least 85% | **no** |" in text
