"""Region weights against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.contract.job import Text2ImageRegion
from engine.sampling.masks import profile, region_weights


def region(mask_type: str, weight: float = 1.0) -> Text2ImageRegion:
    return Text2ImageRegion(
        row_init=8, row_end=48, col_init=0, col_end=64, mask_type=mask_type, mask_weight=weight
    )


def test_constant_is_the_weight_everywhere() -> None:
    assert (region_weights(region("constant", 0.25), 8) == np.full((5, 8), 0.25)).all()


def test_gaussian_follows_its_formula() -> None:
    weights = region_weights(region("gaussian"), 8)
    row, column = 1, 6
    down = math.exp(-((row - 2.0) ** 2) / 25 / 0.02) / math.sqrt(2 * math.pi * 0.01)
    across = math.exp(-((column - 3.5) ** 2) / 64 / 0.02) / math.sqrt(2 * math.pi * 0.01)
    assert weights[row, column] == pytest.approx(down * across)


def test_quartic_follows_its_formula_from_end_to_end() -> None:
    values = profile("quartic", 11)
    assert values[0] == pytest.approx(15 / 16 * (1 - 0.995**2) ** 2)
    assert values[5] == pytest.approx(15 / 16)


@pytest.mark.parametrize("mask_type", ["constant", "gaussian", "quartic"])
@pytest.mark.parametrize("cells", [1, 2, 7, 64])
def test_every_profile_is_positive_and_the_same_from_both_ends(mask_type: str, cells: int) -> None:
    values = profile(mask_type, cells)
    assert (values > 0).all()
    assert values == pytest.approx(values[::-1])


def test_an_unknown_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="majora"):
        profile("majora", 4)
