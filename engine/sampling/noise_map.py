"""Noise that follows what a picture says: equal colours start alike, wherever they lie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.uint8]
"""(H, W, 3), the first row at the top."""
Values = npt.NDArray[np.float32]
_Words = npt.NDArray[np.uint64]

_ADD, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mapped_noise(
    colours: Colours, canvas: npt.NDArray[np.float32], seed: int
) -> npt.NDArray[np.float32]:
    """Return noise whose every cell is the sum of what its pixels' colours stand for.

    A colour stands for one standard normal number a channel, drawn from the seed; a cell's sum is
    scaled so that it is standard normal too. Black stands for the canvas's own noise.

    Shapes: colours (H, W, 3), canvas (1, C, h, w) → (1, C, h, w) float32; h w divide H W.
    Source: after Chang et al., How I Warped Your Noise, ICLR 2024: noise as an integral.
    """
    _, channels, height, width = canvas.shape
    rows = np.arange(colours.shape[0]) * height // colours.shape[0]
    columns = np.arange(colours.shape[1]) * width // colours.shape[1]
    cells = (rows[:, None] * width + columns).astype(np.uint64)
    red, green, blue = (colours[..., n].astype(np.uint64) for n in range(3))
    keys, counts = np.unique(
        cells << np.uint64(24) | red << np.uint64(16) | green << np.uint64(8) | blue,
        return_counts=True,
    )
    cell = (keys >> np.uint64(24)).astype(np.int64)
    colour = keys & np.uint64(0xFFFFFF)
    share = counts.astype(np.float64)
    length = np.sqrt(np.bincount(cell, share * share, height * width))
    noise = np.empty((1, channels, height, width), dtype=np.float32)
    for channel in range(channels):
        own = canvas[0, channel].ravel()[cell]
        drawn = np.where(colour == 0, own, _normal(colour, channel, seed))
        sums = np.bincount(cell, share * drawn, height * width)
        noise[0, channel] = (sums / length).reshape(height, width)
    return noise


def _normal(colour: _Words, channel: int, seed: int) -> npt.NDArray[np.float64]:
    """Return a standard normal number for each colour (Box and Muller, 1958)."""
    start = _mixed(np.array([seed], dtype=np.uint64) ^ _mixed(np.array([channel], np.uint64)))
    first = _mixed(colour ^ start)
    one, two = (
        (word >> np.uint64(11)).astype(np.float64) / 2**53 for word in (first, _mixed(first))
    )
    drawn: npt.NDArray[np.float64] = np.sqrt(-2 * np.log1p(-one)) * np.cos(2 * np.pi * two)
    return drawn


def _mixed(words: _Words) -> _Words:
    """Return words of 64 bits that look like others (Steele, Lea and Flood's SplitMix64, 2014)."""
    with np.errstate(over="ignore"):
        words = words + np.uint64(_ADD)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(_FIRST)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(_SECOND)
    return words ^ (words >> np.uint64(31))
