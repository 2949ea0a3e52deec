"""Collages keep each part's own pixels away from the borders."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from training.painting.collage import collage  # noqa: E402


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_every_part_is_seen_and_nothing_else(parts: int) -> None:
    values = torch.linspace(-1.0, 1.0, parts)
    pictures = values[:, None, None, None].expand(parts, 3, 96, 96)
    seen: set[float] = set()
    for seed in range(6):
        made = collage(pictures, np.random.default_rng(seed))
        assert made.shape == (3, 96, 96)
        assert made.min() >= -1.0
        assert made.max() <= 1.0
        seen |= {round(float(v), 3) for v in made.flatten()}
    assert {round(float(v), 3) for v in values} <= seen


def test_borders_are_hard_at_times_and_soft_at_times() -> None:
    pictures = torch.stack([torch.zeros(3, 64, 64), torch.ones(3, 64, 64)])
    widths = []
    for seed in range(20):
        made = collage(pictures, np.random.default_rng(seed))
        between = (made > 0.01) & (made < 0.99)
        widths.append(int(between.any(0).sum()) / 64)
    assert min(widths) <= 1.0
    assert max(widths) > 8.0
