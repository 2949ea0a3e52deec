"""Where the sky ends in a landscape, and whether its thing is whole, measured on its colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.generation import Bytes
from training.painting.storybook.landscape import Landscape
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.scene import HORIZON, STAR

EDGE_SHARE = 0.14
"""Share of a region's width, on its left and its right, where its thing seldom is."""
APART = 72.0
"""Sum of the channels' differences from which a pixel is neither sky nor ground, in full light."""
CLOUDS = 0.42
"""Share of the height above which there are clouds and stars."""
LEAST_SHARE, MOST_SHARE = 0.006, 0.5
SECOND_SHARE = 0.35
"""What counts as another thing, as a share of the largest one's area."""
CLEAR = ("day", "sunset")
"""Lights in which things stand out from their ground."""
REACHING = (
    *("boat", "forest", "fence", "garden", "mountain", "lighthouse", "waterfall"),
    *("train", "dirt road", "river"),
)
"""Subjects that reach over the horizon at a region's edges."""
UNCOUNTED = (*REACHING, "village", "sheep", "cows", "bridge", "lying robot")
"""Subjects of several things, that reach over a region's edges, or have a ground of their own."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """Colours of sky and ground by row. Shapes: each (H, 3)."""

    sky: Values
    ground: Values


def backdrop(wish: Landscape, height: int) -> Backdrop:
    """Give the colours that a light and a season paint, in the flat style."""
    light, season = LIGHTS[wish.light], SEASONS[wish.season]
    low = np.array(light.low)
    own = np.array(season.ground) * np.array(light.tint)
    own = own + (low - own) * light.veil
    down = np.linspace(0.0, 1.0, height)[:, None]
    share = np.clip(down / HORIZON, 0.0, 1.0)
    fading = np.clip((down - HORIZON) / (1.0 - HORIZON), 0.0, 1.0)
    return Backdrop(
        sky=np.array(light.top) * (1.0 - share) + low * share, ground=own * (1.04 - 0.24 * fading)
    )


def horizon(picture: Bytes, wish: Landscape) -> float:
    """Find where the sky ends beside the thing, as a share of the height.

    In each column near the left and the right edge the sky's colours above and the ground's below
    are fitted to the picture; the height is the median over the columns.
    """
    height, width, _ = picture.shape
    behind = backdrop(wish, height)
    edge = max(4, round(EDGE_SHARE * width))
    columns: Values = np.concatenate([picture[:, :edge], picture[:, -edge:]], 1) / 1.0
    from_sky = np.abs(columns - behind.sky[:, None]).sum(-1)  # (H, 2 edge)
    from_ground = np.abs(columns - behind.ground[:, None]).sum(-1)
    start = np.zeros((1, 2 * edge))
    above = np.concatenate([start, np.cumsum(from_sky, 0)])
    below = from_ground.sum(0) - np.concatenate([start, np.cumsum(from_ground, 0)])
    return float(np.median((above + below).argmin(0)) / height)


def thing_mask(picture: Bytes, wish: Landscape) -> NDArray[np.bool_]:
    """Mark what is neither sky nor cloud, star or ground. Shapes: (H, W)."""
    values = picture.astype(np.float64)
    height = len(picture)
    behind, light = backdrop(wish, height), LIGHTS[wish.light]
    hill = 0.5 * np.array(light.low) + 0.5 * behind.ground[int(HORIZON * height)]
    tones = [behind.sky[:, None], behind.ground[:, None], hill]
    away = np.minimum.reduce([np.abs(values - tone).sum(-1) for tone in tones])
    high = int(CLOUDS * height)
    for tone in (light.cloud, STAR):
        away[:high] = np.minimum(away[:high], np.abs(values[:high] - np.array(tone)).sum(-1))
    return np.asarray(ndimage.binary_opening(away > APART * max(light.tint), iterations=2))


def is_whole(picture: Bytes, wish: Landscape) -> bool | None:
    """Tell whether a region shows its thing once, of a sensible size and away from its borders.

    None where the style, the light or the subject has no thing that could be told from its ground.
    """
    if wish.style != "flat" or wish.light not in CLEAR or wish.season == "snow":
        return None
    if wish.subject in UNCOUNTED:
        return None
    mask = ndimage.binary_dilation(thing_mask(picture, wish), iterations=7)
    labels, count = ndimage.label(mask)
    width = mask.shape[1]
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if count == 0 or areas.max() < LEAST_SHARE * mask.size:
        return False
    if (areas > SECOND_SHARE * areas.max()).sum() > 1:
        return False
    main = int(areas.argmax()) + 1
    columns = np.flatnonzero((labels == main).any(0))
    inside = columns[0] > 0 and columns[-1] < width - 1
    return bool(inside and areas[main - 1] < MOST_SHARE * mask.size)
