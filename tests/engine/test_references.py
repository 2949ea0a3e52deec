"""Reference pictures: the original's numbers, and the same ones part by part."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.runtime.references import Reference, fitted, preprocess_image, reference_bytes

SIZES = [(96, 160), (48, 80), (200, 120), (64, 333), (72, 200)]


def photo(height: int, width: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def test_bytes_become_the_numbers_of_the_original() -> None:
    image = photo(70, 131)
    resized = np.array(image.resize((128, 64), resample=Image.Resampling.LANCZOS))
    original = resized.astype(np.float32)[None].transpose(0, 3, 1, 2) / 255.0
    expected = 2.0 * torch.from_numpy(original) - 1.0
    assert torch.equal(preprocess_image(image), expected)
    kept = Reference(picture=reference_bytes(image), height_px=64, width_px=128)
    assert torch.equal(kept.whole(), expected)
    assert kept.picture.dtype == torch.uint8


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("is_bytes", [True, False])
def test_a_part_has_the_numbers_of_the_whole(height: int, width: int, is_bytes: bool) -> None:
    image = photo(96, 160)
    picture = reference_bytes(image) if is_bytes else preprocess_image(image)
    reference = Reference(picture=picture, height_px=height, width_px=width)
    whole = fitted(picture, height, width)
    for rows in (slice(0, 8), slice(16, 40), slice(height - 8, height)):
        for columns in (slice(0, 24), slice(24, 56), slice(width - 16, width)):
            part: Tensor = reference.part(rows, columns)
            assert part.shape == (1, 3, rows.stop - rows.start, columns.stop - columns.start)
            torch.testing.assert_close(part, whole[:, :, rows, columns], atol=2e-5, rtol=0)


def test_cells_are_the_means_of_what_they_cover() -> None:
    picture = reference_bytes(photo(96, 160))
    reference = Reference(picture=picture, height_px=48, width_px=80)
    expected = torch.nn.functional.avg_pool2d(reference.whole(), 8)
    torch.testing.assert_close(reference.cells(8), expected, atol=2e-5, rtol=0)
