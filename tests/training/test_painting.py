"""The painters: seeded, in range, in the asked colour, each unlike the others."""

from __future__ import annotations

import numpy as np
import pytest

from training.painting.colours import ACHROMATIC, NAMED, toned
from training.painting.concepts import BY_NAME, CONCEPTS, NAMES
from training.painting.prompts import Size, Wish, held_out_wording, paint, random_wish, wordings


def _painted(wish: Wish, seed: int, side_px: int = 64) -> np.ndarray:
    return paint(wish, side_px, side_px, np.random.default_rng(seed))


def test_there_are_at_least_24_concepts_and_most_take_ten_colours() -> None:
    assert len(CONCEPTS) >= 24
    many = [concept for concept in CONCEPTS if len(concept.colours) >= 10]
    assert len(many) > len(CONCEPTS) / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_has_the_asked_shape_and_range(name: str) -> None:
    picture = paint(Wish(concept=name), 48, 72, np.random.default_rng(1))
    assert picture.shape == (48, 72, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0.0
    assert picture.max() <= 1.0
    assert np.isfinite(picture).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_paints_the_same_and_another_seed_does_not(name: str) -> None:
    wish = Wish(concept=name)
    assert np.array_equal(_painted(wish, 3), _painted(wish, 3))
    assert not np.array_equal(_painted(wish, 3), _painted(wish, 4))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_no_plain_ground(name: str) -> None:
    assert _painted(Wish(concept=name), 5, 128).std(axis=(0, 1)).max() > 0.01


@pytest.mark.parametrize("name", ["bricks", "tiles", "water", "roof tiles", "knitting", "bamboo"])
def test_regions_side_by_side_agree_about_the_height_of_courses(name: str) -> None:
    wish = Wish(concept=name, colour="red")
    profiles = [_painted(wish, seed, 96).mean((1, 2)) for seed in (3, 4)]
    assert np.corrcoef(profiles)[0, 1] > 0.5


def _nearest_hue(picture: np.ndarray) -> str:
    """The named colour nearest to the picture's chroma-weighted mean, lightness left aside."""
    chroma = picture.max(2) - picture.min(2)
    mean = (picture * chroma[..., None] ** 2).sum((0, 1)) / (chroma**2).sum()

    def direction(colour: np.ndarray) -> np.ndarray:
        tint = colour - colour.mean()
        return tint / np.linalg.norm(tint)

    return max(
        (name for name in NAMED if name not in ACHROMATIC),
        key=lambda name: float(direction(mean) @ direction(np.array(NAMED[name]))),
    )


@pytest.mark.parametrize("colour", ["red", "green", "blue", "purple", "yellow", "turquoise"])
@pytest.mark.parametrize(
    "name", ["bricks", "grass", "water", "marble", "leaves", "fabric", "planks", "roof tiles"]
)
def test_a_named_colour_dominates_the_hue(name: str, colour: str) -> None:
    assert _nearest_hue(_painted(Wish(concept=name, colour=colour), 7, 96)) == colour


@pytest.mark.parametrize("name", ["bricks", "grass", "marble", "fabric"])
def test_dark_and_bright_change_the_brightness(name: str) -> None:
    # The median passes over the joints: pale beside dark bricks, dark beside pale ones.
    dark, plain, bright = (
        np.mean([np.median(_painted(wish, seed)[..., 2]) for seed in range(3)])
        for wish in (
            Wish(concept=name, colour="blue", tone="dark"),
            Wish(concept=name, colour="blue"),
            Wish(concept=name, colour="blue", tone="bright"),
        )
    )
    assert dark < plain < bright


def test_toned_keeps_a_colour_in_range() -> None:
    for colour in NAMED.values():
        bright = toned(np.array(colour, np.float32), "bright")
        assert bright.max() <= 1.0


def test_small_and_large_change_the_size_of_the_motif() -> None:
    def edges(size: str) -> float:
        wish = Wish(concept="checkerboard", size=size)  # type: ignore[arg-type]
        return float(
            np.mean([np.abs(np.diff(_painted(wish, s, 96), axis=1)).mean() for s in (1, 2)])
        )

    assert edges("small") > 1.5 * edges("large")


def test_held_out_wishes_stay_out_of_training_and_are_not_rare() -> None:
    rng = np.random.default_rng(0)
    assert not any(random_wish(rng).held_out() for _ in range(500))
    assert any(random_wish(rng, training=False).held_out() for _ in range(500))


def test_wordings_name_the_concept_and_vary() -> None:
    rng = np.random.default_rng(0)
    wish = Wish(concept="bricks", colour="red")
    said = {wordings(wish, rng) for _ in range(200)}
    assert len(said) > 40
    assert all("brick" in text for text in said)
    assert {"red brick wall", "brick wall in red"} <= said


def test_held_out_wordings_never_come_up_in_training() -> None:
    rng = np.random.default_rng(0)
    for name in NAMES:
        wish = Wish(concept=name, colour=BY_NAME[name].colours[0])
        trained = {wordings(wish, rng) for _ in range(100)}
        assert held_out_wording(wish, rng) not in trained


@pytest.mark.parametrize("size", ["", "small", "large"])
def test_the_borders_of_squares_lie_on_the_autoencoders_cells(size: Size) -> None:
    wish = Wish(concept="checkerboard", colour="black", second="white", size=size)
    picture = _painted(wish, 5, 96).mean(-1)
    steps = np.abs(np.diff(picture, axis=1)).max(0)  # (95,): between one column and the next
    inside = [step for column, step in enumerate(steps, 1) if column % 8 not in (0, 1, 7)]
    assert max(inside) < 0.1 < max(steps)


def test_the_words_decide_the_size_of_a_pattern() -> None:
    def side_px(size: Size, seed: int) -> int:
        wish = Wish(concept="checkerboard", colour="black", second="white", size=size)
        steps = np.abs(np.diff(_painted(wish, seed, 160).mean(-1), axis=1)).max(0)
        borders = np.flatnonzero(steps > 0.3)
        return int(np.diff(borders)[np.diff(borders) > 4].min()) + 1

    sides = [{side_px(size, seed) // 8 for seed in range(6)} for size in ("small", "", "large")]
    assert all(len(found) == 1 for found in sides)
    assert max(sides[0]) < max(sides[1]) < max(sides[2])
