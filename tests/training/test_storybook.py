"""Storybook landscapes: seeded, whole, one horizon, colours that light and season decide."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("skia")
from training.painting.storybook.landscape import (
    Landscape,
    paint,
    random_landscape,
)
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.scene import HORIZON, Look, Scene
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import BY_NAME, NAMES, SUBJECTS
from training.painting.storybook.wording import wording

SIDE_PX = 128
LONE = [subject.name for subject in SUBJECTS if not subject.wide and subject.name != "train"]


def painted(
    wish: Landscape, seed: int = 1, height: int = SIDE_PX, width: int = SIDE_PX
) -> np.ndarray:
    return paint(wish, height, width, np.random.default_rng(seed))


def test_there_are_at_least_24_subjects_six_lights_three_seasons_and_eight_styles() -> None:
    assert len(SUBJECTS) >= 24
    assert len(LIGHTS) >= 6
    assert len(SEASONS) >= 3
    assert len(STYLES) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_paints_the_same_and_another_one_does_not(name: str) -> None:
    wish = Landscape(subject=name)
    assert np.array_equal(painted(wish, 3), painted(wish, 3))
    assert not np.array_equal(painted(wish, 3), painted(wish, 4))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(96, 160), (160, 96)])
def test_every_style_fills_a_picture_of_any_shape(style: str, size: tuple[int, int]) -> None:
    picture = painted(Landscape(subject="house", style=style), 1, *size)
    assert picture.shape == (*size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 8


def test_no_two_styles_paint_alike() -> None:
    pictures = [painted(Landscape(subject="castle", style=style)).astype(float) for style in STYLES]
    for i, one in enumerate(pictures):
        assert all(np.abs(one - other).mean() > 8 for other in pictures[:i])


def _things(name: str, seed: int, **look: object) -> np.ndarray:
    scene = Scene(
        width=SIDE_PX,
        height=SIDE_PX,
        rng=np.random.default_rng(seed),
        light_name="day",
        season_name="green",
    )
    own = BY_NAME[name]
    foot = scene.horizon + own.foot * scene.unit
    own.paint(scene, SIDE_PX / 2, foot, own.size * scene.unit, Look(**look))  # type: ignore[arg-type]
    return scene.front.pixels()[..., 3] > 128


@pytest.mark.parametrize("name", [n for n in LONE if n not in ("boat", "lying robot", "bridge")])
def test_a_thing_is_whole_and_large(name: str) -> None:
    for seed in range(4):
        covered = _things(name, seed)
        edges = np.concatenate([covered[0], covered[-1], covered[:, 0], covered[:, -1]])
        assert not edges.any()
        assert 0.03 < covered.mean() < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_thing_is_at_least_a_cell_wide_as_its_list_says(name: str) -> None:
    columns = np.flatnonzero(_things(name, 1).any(0))
    wide = (columns[-1] - columns[0] + 1) / SIDE_PX * 100
    own = BY_NAME[name]
    assert wide >= 12
    if not own.wide and name not in ("boat", "train"):
        assert wide <= 2.3 * own.half


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("season", SEASONS)
def test_sky_and_ground_go_on_from_one_picture_to_the_next(light: str, season: str) -> None:
    # Clouds, stars and patches of grass may differ: the median of a row is sky or ground.
    def rows(subject: str, seed: int) -> np.ndarray:
        picture = painted(Landscape(subject=subject, light=light, season=season), seed)
        return np.median(np.concatenate([picture[:, :16], picture[:, -16:]], 1), 1)

    one, other = rows("tree", 1), rows("balloon", 2)
    apart = np.abs(one - other).max(1)
    assert np.median(apart) <= 2
    assert (apart > 12).mean() < 0.2


def test_all_pictures_share_one_horizon() -> None:
    for seed, height in ((1, 128), (2, 192), (3, 256)):
        picture = painted(Landscape(subject="balloon", light="mist"), seed, height, 192).astype(
            float
        )
        edge = picture[:, [2, 40, 150, 189]]
        steps = np.abs(np.diff(edge, axis=0)).sum(-1)[: int(0.9 * height)]
        assert np.all(np.abs(steps.argmax(0) / height - HORIZON) < 0.06)


def test_night_is_darker_than_day_and_snow_brighter_than_grass() -> None:
    plain = Landscape(subject="tree")
    night = dataclasses.replace(plain, light="night")
    snow = dataclasses.replace(plain, season="snow")
    brightness = [float(painted(wish).mean()) for wish in (plain, night, snow)]
    assert brightness[1] < 0.6 * brightness[0]
    assert brightness[2] > brightness[0] + 15


def test_a_named_colour_is_seen() -> None:
    for name in ("house", "robot", "car", "balloon"):
        red, blue = (
            painted(Landscape(subject=name, colour=c)).astype(int) for c in ("red", "blue")
        )
        plain = painted(Landscape(subject=name, colour="white")).astype(int)

        def share(picture: np.ndarray, high: int, low: int) -> float:
            return float((picture[..., high] > picture[..., low] + 90).mean())

        assert share(red, 0, 2) > share(plain, 0, 2) + 0.02
        assert share(blue, 2, 0) > share(red, 2, 0)


def test_a_giant_is_larger_than_a_small_one() -> None:
    ground = painted(Landscape(subject="balloon", light="mist"), 5).astype(int)

    def covered(size: str) -> float:
        wish = Landscape(subject="robot", light="mist", size=size)  # type: ignore[arg-type]
        return float((np.abs(painted(wish, 5).astype(int) - ground).max(-1) > 30).mean())

    assert covered("giant") > 1.5 * covered("small")


def test_wishes_that_are_held_out_stay_out_of_training_and_are_not_rare() -> None:
    rng = np.random.default_rng(0)
    assert not any(random_landscape(rng).held_out() for _ in range(500))
    assert any(random_landscape(rng, training=False).held_out() for _ in range(200))


def test_wordings_say_what_matters_and_vary() -> None:
    rng = np.random.default_rng(0)
    wish = Landscape(
        subject="lying robot", light="dark sunset", style="cubist", size="giant", old=True
    )
    said = {wording(wish, rng) for _ in range(200)}
    assert len(said) > 190
    assert all(
        ("robot" in text and "dus" in text) or "dark" in text or "twi" in text for text in said
    )
    assert all("cubis" in text or "picasso" in text for text in said)
    assert any("highly detailed" in text and " by " in text for text in said)
    assert any(len(text) < 90 for text in said)
