"""What regions weigh on a smaller canvas: as on the large one, seen from farther away."""

from __future__ import annotations

import numpy as np
import pytest

from engine.contract.job import Job, Text2ImageRegion
from engine.contract.smaller import smaller
from engine.sampling.masks import canvas_weights

STRIDE = 8


@pytest.mark.parametrize("area", ["region", "canvas"])
@pytest.mark.parametrize("mask_px", [(96, 160), (37, 51), (512, 512)])
def test_a_mask_covers_the_same_parts_of_a_smaller_canvas(
    area: str, mask_px: tuple[int, int]
) -> None:
    masks = {"mask": np.random.default_rng(7).random(mask_px, dtype=np.float32)}
    region = Text2ImageRegion(
        row_init=64, row_end=256, col_init=0, col_end=320, prompt="grass", mask="mask",
        mask_area=area, mask_type="constant", mask_weight=3.0,
    )  # fmt: skip
    job = Job(canvas_height=256, canvas_width=512, regions=(region,))
    small = smaller(job, 0.5, STRIDE)
    (found,) = small.text_regions
    assert found.bounds == (32, 128, 0, 160)
    large = canvas_weights(region, job, STRIDE, masks)
    means = large.reshape(16, 2, 32, 2).mean(axis=(1, 3))
    assert np.allclose(canvas_weights(found, small, STRIDE, masks), means, atol=1e-5)


def test_a_soft_edge_is_as_wide_in_proportion() -> None:
    region = Text2ImageRegion(
        row_init=0, row_end=512, col_init=0, col_end=512, mask_type="feather", feather_px=128
    )
    job = Job(canvas_height=512, canvas_width=512, regions=(region,))
    small = smaller(job, 0.5, STRIDE)
    large = canvas_weights(region, job, STRIDE, {})
    means = large.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    found = canvas_weights(small.text_regions[0], small, STRIDE, {})
    assert np.allclose(found, means, atol=0.02)
