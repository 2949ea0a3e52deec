"""Pictures all around: calm at their poles, and nowhere else another picture."""

from __future__ import annotations

import numpy as np
import pytest

from engine.sampling.poles import calmed

HEIGHT, WIDTH = 128, 256
CALM_DEG = 20.0
ANGLES = (np.arange(HEIGHT) + 0.5) * 180 / HEIGHT


@pytest.fixture
def picture() -> np.ndarray:
    """Blobs as wide as a network paints them, wherever on the canvas."""
    draw = np.random.default_rng(3)
    blobs = draw.integers(0, 256, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
    return blobs.repeat(16, axis=0).repeat(16, axis=1)


def around(rows: np.ndarray) -> np.ndarray:
    """By how much each row varies, in levels."""
    return rows.astype(float).std(axis=1).mean(axis=-1)


def test_rows_grow_even_towards_the_poles(picture: np.ndarray) -> None:
    left = around(calmed(picture, 0, HEIGHT, CALM_DEG)) / around(picture)
    assert left[[0, -1]].max() < 0.06
    assert (np.diff(left[ANGLES < CALM_DEG]) > -0.02).all()
    assert (np.diff(left[ANGLES > 180 - CALM_DEG]) < 0.02).all()


def test_rows_keep_their_mean_and_the_rest_its_bytes(picture: np.ndarray) -> None:
    made = calmed(picture, 0, HEIGHT, CALM_DEG)
    assert np.abs(made.mean(axis=1) - picture.mean(axis=1)).max() < 0.2
    rest = (ANGLES > CALM_DEG) & (ANGLES < 180 - CALM_DEG)
    assert (made[rest] == picture[rest]).all()
    assert (calmed(picture, 0, HEIGHT, 0.0) == picture).all()


def test_where_the_picture_closes_nothing_is_other_than_anywhere(picture: np.ndarray) -> None:
    turned = np.roll(picture, 37, axis=1)
    expected = np.roll(calmed(picture, 0, HEIGHT, CALM_DEG), 37, axis=1).astype(int)
    assert np.abs(calmed(turned, 0, HEIGHT, CALM_DEG) - expected).max() <= 1


def test_strips_of_rows_are_calmed_as_the_whole(picture: np.ndarray) -> None:
    whole = calmed(picture, 0, HEIGHT, CALM_DEG)
    strips = [calmed(picture[top : top + 24], top, HEIGHT, CALM_DEG) for top in range(0, 128, 24)]
    assert (np.concatenate(strips) == whole).all()
