"""Strength maps of image regions: down to which timestep each cell is held in place."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.contract.job import Image2ImageRegion
from engine.families.schedules import Schedule
from engine.sampling.masks import cell_means

_LEVELS = 1024
"""Shares of a strength that are told apart, so that a large region's are found at once."""


def release_map(
    image: npt.NDArray[np.float32], region: Image2ImageRegion, schedule: Schedule, stride_px: int
) -> Tensor:
    """Return the timestep down to which each cell of a region is held: of black ones never.

    White is the region's strength, greys are that share of it.

    Shapes: image (H, W), from 0 to 1, to (h, w) of the region.
    """
    cells = cell_means(image, region.height_px // stride_px, region.width_px // stride_px)
    levels, at = np.unique((cells * _LEVELS).round(), return_inverse=True)
    releases = torch.tensor(
        [
            schedule.release_timestep(region.strength * level / _LEVELS).item()
            if level > 0
            else math.inf
            for level in levels.tolist()
        ],
        dtype=torch.float64,
    )
    return releases[torch.from_numpy(at.reshape(cells.shape))]
