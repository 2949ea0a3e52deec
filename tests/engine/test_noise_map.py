"""Noise that follows a picture's colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.sampling.noise_map import mapped_noise

CANVAS = np.random.default_rng(1).standard_normal((1, 4, 32, 32)).astype(np.float32)


def colours_of(numbers: Any) -> Any:
    """Return the colours of numbers of 24 bits, (H, W, 3)."""
    return np.stack([numbers >> 16 & 255, numbers >> 8 & 255, numbers & 255], -1).astype(np.uint8)


def drawn(seed: int = 5, *, size: int = 2) -> Any:
    """Return a map whose pieces are some pixels wide."""
    numbers = np.random.default_rng(seed).integers(1, 2**24, (256 // size, 256 // size))
    return colours_of(numbers.repeat(size, 0).repeat(size, 1))


def test_each_cell_is_standard_normal_and_knows_nothing_of_its_neighbours() -> None:
    noise = np.concatenate([mapped_noise(drawn(n), CANVAS, n) for n in range(8)])
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert abs((noise[..., 1:] * noise[..., :-1]).mean()) < 0.02
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.02


@pytest.mark.parametrize("size", [1, 4, 64])
def test_unit_variance_is_kept_whatever_the_size_of_the_pieces(size: int) -> None:
    values = [mapped_noise(drawn(size, size=size), CANVAS, seed) for seed in range(40)]
    assert np.std(values, axis=0).mean() == pytest.approx(1, abs=0.05)


def test_what_moves_by_whole_cells_takes_its_noise_along() -> None:
    first = mapped_noise(drawn(), CANVAS, 7)
    second = mapped_noise(np.roll(drawn(), 16, axis=1), CANVAS, 7)
    assert np.array_equal(second, np.roll(first, 2, axis=3))
    assert not np.array_equal(mapped_noise(drawn(), CANVAS, 8), first)


def test_what_moves_by_a_part_of_a_cell_stays_alike() -> None:
    first = mapped_noise(drawn(), CANVAS, 7)
    second = mapped_noise(np.roll(drawn(), 4, axis=1), CANVAS, 7)
    assert 0.4 < np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.6  # half of each cell stays


def test_black_keeps_the_canvas_noise() -> None:
    assert np.allclose(mapped_noise(np.zeros((256, 256, 3), np.uint8), CANVAS, 7), CANVAS)
