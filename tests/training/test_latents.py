"""Batches of the denoiser: anchored patterns keep their corner, others are cut anywhere."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
from training.latents import NATIVE, LatentSets, training_batch  # noqa: E402
from training.painting.prompts import Wish  # noqa: E402


def corners(concept: str) -> set[float]:
    """Draw many crops of latents that hold their own place, and tell which corners come up."""
    places = torch.arange(20 * 20).reshape(1, 1, 20, 20).float().expand(1, 4, 20, 20)
    sets = LatentSets(
        small=places,
        large=places,
        small_wishes=[Wish(concept=concept)],
        large_wishes=[Wish(concept=concept)],
        scaling_factor=1.0,
    )
    batch = training_batch(sets, 64, 0.0, 0.0, np.random.default_rng(1))
    assert batch.latents.shape == (64, 4, NATIVE, NATIVE)
    return set(batch.latents[:, 0, 0, 0].tolist())


def test_an_anchored_pattern_keeps_its_upper_left_corner() -> None:
    assert corners("bricks") == {0.0}


def test_what_has_no_courses_is_cut_anywhere() -> None:
    assert len(corners("marble")) > 10
