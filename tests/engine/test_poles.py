"""Pictures all around: calm at their poles, and nowhere else another picture."""

from __future__ import annotations

import numpy as np
import pytest

from engine.sampling.poles import calmed

HEIGHT, WIDTH = 128, 256
CALM_DEG = 25.0
ANGLES = (np.arange(HEIGHT) + 0.5) * 180 / HEIGHT


@pytest.fixture
def picture() -> np.ndarray:
    """Blobs as wide as a network paints them, wherever on the canvas."""
    draw = np.random.default_rng(3)
    blobs = draw.integers(0, 256, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
    return blobs.repeat(16, axis=0).repeat(16, axis=1)


def calm(picture: np.ndarray, calm_deg: float = CALM_DEG, strip: int = HEIGHT) -> np.ndarray:
    strips = (picture[top : top + strip] for top in range(0, HEIGHT, strip))
    return np.concatenate(list(calmed(strips, HEIGHT, calm_deg)))


def around(rows: np.ndarray) -> np.ndarray:
    """By how much each row varies, in levels."""
    return rows.astype(float).std(axis=1).mean(axis=-1)


def test_rows_grow_even_towards_the_poles(picture: np.ndarray) -> None:
    left = around(calm(picture)) / around(picture)
    assert left[[0, -1]].max() < 0.02
    assert left[(ANGLES < 5) | (ANGLES > 175)].max() < 0.2
    assert (np.diff(left[ANGLES < CALM_DEG]) > -0.02).all()
    assert (np.diff(left[ANGLES > 180 - CALM_DEG]) < 0.02).all()


def test_no_ring_is_left_around_a_pole(picture: np.ndarray) -> None:
    means = calm(picture).mean(axis=1)
    at_poles = means[ANGLES < 8], means[ANGLES > 172]
    assert max(np.abs(np.diff(one, axis=0)).max() for one in at_poles) < 4
    assert np.abs(np.diff(picture.mean(axis=1), axis=0)).max() > 12


def test_the_rest_keeps_its_bytes(picture: np.ndarray) -> None:
    rest = (ANGLES > CALM_DEG) & (ANGLES < 180 - CALM_DEG)
    assert (calm(picture)[rest] == picture[rest]).all()
    assert (calm(picture, 0.0) == picture).all()


def test_where_the_picture_closes_nothing_is_other_than_anywhere(picture: np.ndarray) -> None:
    expected = np.roll(calm(picture), 37, axis=1).astype(int)
    assert np.abs(calm(np.roll(picture, 37, axis=1)) - expected).max() <= 1


@pytest.mark.parametrize("strip", [1, 7, 24, 100])
def test_strips_of_rows_are_calmed_as_the_whole(picture: np.ndarray, strip: int) -> None:
    assert (calm(picture, strip=strip) == calm(picture)).all()
    assert (calm(picture, 90.0, strip) == calm(picture, 90.0)).all()
