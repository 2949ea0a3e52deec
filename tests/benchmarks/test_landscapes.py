"""The measures of landscapes, on painted pictures of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks.landscapes import (
    AGREEMENT,
    Outcome,
    SceneSeen,
    Seen,
    confusions,
    more_often_right,
    random_scene,
    share_right,
)
from benchmarks.wholeness import CLEAR, REACHING, UNCOUNTED, horizon, is_whole
from training.judge import Verdict
from training.painting.storybook.landscape import Landscape, paint
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.subjects import NAMES

SHOWING = [name for name in NAMES if name not in REACHING]


def seen(wish: Landscape, picture: np.ndarray, **otherwise: str) -> Seen:
    truth = {k: getattr(wish, k) for k in ("subject", "light", "season", "style")}
    verdict = Verdict(**(truth | otherwise))
    return Seen(prompt="", wish=wish, verdict=verdict, picture=picture, kind="")


def painted(wish: Landscape, seed: int) -> np.ndarray:
    return paint(wish, 256, 192, np.random.default_rng(seed))


@pytest.mark.parametrize("light", LIGHTS)
def test_painted_regions_share_one_horizon_by_the_measure(light: str) -> None:
    found = [
        horizon(painted(wish, seed), wish)
        for seed, name in enumerate(SHOWING)
        for wish in [Landscape(subject=name, light=light, season=list(SEASONS)[seed % 2])]
    ]
    assert max(found) - min(found) <= AGREEMENT


def test_regions_of_unlike_height_do_not_agree() -> None:
    wish = Landscape(subject="house")
    picture = painted(wish, 1)
    low = np.roll(picture, 16, 0)
    scenes = [
        SceneSeen(regions=[seen(wish, picture), seen(wish, other)], canvas=picture)
        for other in (picture, low)
    ]
    assert [scene.agrees() for scene in scenes] == [True, False]


def test_light_is_not_asked_of_a_style_that_hides_it() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    rows = [
        seen(Landscape(subject="house", style="ink"), picture, light="night"),
        seen(Landscape(subject="barn"), picture, light="night"),
        seen(Landscape(subject="barn"), picture),
    ]
    assert share_right(rows, "light") == (0.5, 2)
    assert share_right(rows, "subject") == (1.0, 3)
    assert confusions(rows, "light") == ["day → night (1)"]


def test_a_scene_has_one_light_and_season_and_unlike_subjects() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        scene = random_scene(3, rng)
        assert len({wish.subject for wish in scene}) == 3
        assert len({(wish.light, wish.season) for wish in scene}) == 1


LONE = [name for name in NAMES if name not in UNCOUNTED]


def test_painted_things_are_whole_by_the_measure_and_cut_ones_are_not() -> None:
    whole, cut = list[bool | None](), list[bool | None]()
    for seed, name in enumerate(LONE * 2):
        wish = Landscape(subject=name, light=CLEAR[seed % 2])
        picture = paint(wish, 256, 256, np.random.default_rng(seed))
        whole.append(is_whole(picture, wish))
        cut.append(is_whole(np.roll(picture, 128, 1), wish))
    assert np.mean([bool(w) for w in whole]) > 0.9
    assert np.mean([bool(c) for c in cut]) < 0.2


def test_two_of_a_thing_are_not_one() -> None:
    wish = Landscape(subject="robot")
    picture = paint(wish, 256, 256, np.random.default_rng(1))
    assert is_whole(picture, wish) is True
    assert is_whole(np.concatenate([picture, picture], 1), wish) is False


def test_what_fills_its_region_is_not_asked_whether_it_is_whole() -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    assert is_whole(picture, Landscape(subject="forest")) is None
    assert is_whole(picture, Landscape(subject="house", style="ink")) is None


def test_a_method_is_better_only_where_chance_is_unlikely() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    wish = Landscape(subject="barn")
    right, wrong = seen(wish, picture), seen(wish, picture, subject="house")

    def outcome(rights: int, wrongs: int) -> Outcome:
        return Outcome(method="", regions=[right] * rights + [wrong] * wrongs, canvases=[])

    assert more_often_right(outcome(10, 0), outcome(0, 10)) == (10, 0, 2 / 2**10)
    assert more_often_right(outcome(5, 0), outcome(5, 0)) == (0, 0, 1.0)
    assert more_often_right(outcome(1, 1), outcome(0, 2))[2] == 1.0
