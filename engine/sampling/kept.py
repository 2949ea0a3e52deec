"""A part of an earlier picture made anew: what may change, how the rest stays, and their joint.

What may change is a number from 0 to 1 for each latent cell. A cell is held at the earlier
picture's latents for the share of the steps that it may not change, as in Differential Diffusion
(arXiv 2306.00950): at 0 to the end, at 1 never, between so that soft edges join.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.contract.earlier import Kept
from engine.contract.earlier_checks import kept_size_complaint
from engine.contract.errors import JobError, Problem, shown
from engine.contract.geometry import NO_AXES, Axes
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.schedules import Schedule
from engine.runtime.batching import RegionWindow, in_turn
from engine.runtime.codec import Pixels
from engine.runtime.references import Reference
from engine.runtime.windows import window_of
from engine.sampling.masks import MaskImages, Weights, cell_means, mask_coverage
from engine.storage.kept import EarlierPicture

_OWN_SHARE = 0.5  # from which on a cell counts as the region's alone
_LEAST = 1 / 255  # what no picture could show
_LEAST_SHOWN = 0.05  # what nobody would see


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnchor:
    """A picture's latents (1, C, h, w), held in each cell while there is more to keep than left.

    `freedom` (h, w) is the share of the steps, the last ones, in which a cell may change.
    """

    latents: Tensor
    freedom: Tensor

    def hold_(self, latents: Tensor, noise: Tensor, schedule: Schedule, index: int) -> None:
        """Put the picture into a canvas's latents, at the level that the next step sees."""
        left = 1 - (index + 1) / len(schedule.timesteps)
        held = schedule.add_noise_after(self.latents, noise, index)
        latents.copy_(torch.where(self.freedom <= left, held, latents))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What may change of an earlier picture: how far at each cell (h, w), and which pixels."""

    earlier: EarlierPicture
    cells: Weights
    strength: float
    wrapped: Axes = NO_AXES
    """Along which axes the picture goes on at the opposite edge."""

    @property
    def freedom(self) -> Tensor:
        """The share of the steps in which each cell may change, (h, w), float64."""
        return torch.from_numpy(self.cells * (1 - self.strength))

    def shares(self, top: int, bottom: int) -> npt.NDArray[np.float32]:
        """Return how much of the new picture rows of pixels show, (rows, W), from 0 to 1.

        Nothing in cells that may not change, nor in the outer half of those beside them.
        """
        rows, columns = self.wrapped
        least = _least_of_neighbours(self.cells, self.wrapped)
        inner = np.where(least > 0, self.cells, 0).astype(np.float32)
        height, width, _ = self.earlier.pixels.shape
        down = _between(inner.shape[0], height, is_ring=rows)[top:bottom]
        shares: npt.NDArray[np.float32] = np.matmul(
            down @ inner,
            _between(inner.shape[1], width, is_ring=columns).T,
            dtype=np.float32,
        )
        shares[shares < _LEAST] = 0
        mask = self.earlier.mask
        return shares if mask is None else np.minimum(shares, mask[top:bottom])

    def joined(self, rows: Pixels, top: int) -> Pixels:
        """Return rows of the new picture, which begin at `top`, with the earlier one's around.

        Shapes: (rows, W, 3); where nothing may change the bytes are the earlier picture's.
        """
        bottom = top + len(rows)
        old, share = self.earlier.pixels[top:bottom], self.shares(top, bottom)[..., None]
        mixed = old + share * (rows.astype(np.float32) - old)
        joined: Pixels = mixed.round().astype(np.uint8)
        return joined

    def previewed(self, picture: Pixels) -> Pixels:
        """Return a small picture of latents with the earlier one around what changes."""
        height, width = self.cells.shape
        if picture.shape[:2] != (height, width):
            return picture
        means = [
            cell_means((self.earlier.pixels[..., one] / 255).astype(np.float32), height, width)
            for one in range(3)
        ]
        old = (np.stack(means, axis=-1) * 255).round().astype(np.uint8)
        return np.where(self.cells[..., None] > 0, picture, old)


def change_of(
    job: Job,
    windows: Sequence[RegionWindow],
    earlier: EarlierPicture,
    stride_px: int,
    masks: MaskImages,
) -> Change:
    """Return what may change of the picture that a job keeps; `windows` are all of the job's.

    Raises: JobError where its size or its mask's is not the canvas's, and where nothing would
    change or nothing stay.
    """
    kept = job.kept
    if kept is None:
        raise ValueError("the job keeps no picture")
    _require_sizes(job, kept, earlier)
    shape = (job.canvas_height // stride_px, job.canvas_width // stride_px)
    cells = np.ones(shape)
    if kept.regions:
        cells = _cells_of_regions(job, kept, windows, stride_px, masks)
    if earlier.mask is not None:
        cells = cells * cell_means(earlier.mask, *shape)
    cells[cells < _LEAST] = 0
    change = Change(earlier=earlier, cells=cells, strength=kept.strength, wrapped=job.wrapped)
    if change.shares(0, job.canvas_height).max() < _LEAST_SHOWN:
        what = "regions" if earlier.mask is None else "mask"
        message = "nothing would be made anew: it is too small, or behind other regions"
        remedy = "make it larger" if earlier.mask is None else "make white what should be made anew"
        raise JobError([Problem(f"kept.{what}", shown(getattr(kept, what)), message, remedy)])
    if cells.min() == 1:
        message, remedy = "nothing of the picture would stay", "leave out kept, or choose less"
        raise JobError([Problem("kept", shown(kept.picture), message, remedy)])
    if not touched(windows, change):
        message = "no region with a prompt lies where the picture is made anew"
        remedy = "choose another place, or add a region there"
        raise JobError([Problem("kept.mask", shown(kept.mask), message, remedy)])
    return change


def touched(windows: Sequence[RegionWindow], change: Change) -> list[RegionWindow]:
    """Return the windows that generate anything that may change.

    In every cell that may change these are all that weigh anything, so that their shares there
    are what they were.
    """
    cells = torch.from_numpy(change.cells)
    return [one for one in windows if ((one.weights > 0) & (one.window.take(cells) > 0)).any()]


def _require_sizes(job: Job, kept: Kept, earlier: EarlierPicture) -> None:
    wanted = (job.canvas_height, job.canvas_width)
    found = {"picture": earlier.pixels.shape[:2]}
    if earlier.mask is not None:
        found["mask"] = earlier.mask.shape
    for name, (height, width) in found.items():
        if (height, width) != wanted:
            message, remedy = kept_size_complaint(width, height, wanted[::-1])
            value = shown(getattr(kept, name))
            raise JobError([Problem(f"kept.{name}", value, message, remedy)])


def _cells_of_regions(
    job: Job, kept: Kept, windows: Sequence[RegionWindow], stride_px: int, masks: MaskImages
) -> Weights:
    """Return where the regions that a job names may change the picture, (h, w), from 0 to 1."""
    total = torch.zeros((job.canvas_height // stride_px, job.canvas_width // stride_px)).double()
    chosen = torch.zeros_like(total)
    for one in in_turn(windows):
        one.window.add_(total, one.weights)
        if job.text_regions[one.region].name in kept.regions:
            one.window.add_(chosen, one.weights)
    total[total == 0] = 1
    cells = (chosen / total / _OWN_SHARE).clamp(0, 1)
    for region in job.image_regions:
        if region.name not in kept.regions:
            continue
        window = window_of(region, job, stride_px)
        covered = torch.ones((window.height, window.width)).double()
        if region.mask is not None:
            covered = torch.from_numpy(mask_coverage(masks[region.mask], region, job, stride_px))
        window.put_(cells, torch.maximum(window.take(cells), covered))
    found: Weights = cells.numpy()
    return found


def _least_of_neighbours(cells: Weights, wrapped: Axes) -> Weights:
    """Return the least of each cell and those around it.

    Beyond the canvas is more of the same, or what is at the opposite edge.
    """
    padded = cells
    for axis, wraps in enumerate(wrapped):
        beside = [(1, 1) if one == axis else (0, 0) for one in range(2)]
        padded = np.pad(padded, beside, mode="wrap" if wraps else "edge")
    height, width = cells.shape
    around = [
        padded[row : row + height, column : column + width]
        for row in range(3)
        for column in range(3)
    ]
    least: Weights = np.min(around, axis=0)
    return least


def _between(cells: int, pixels: int, *, is_ring: bool) -> npt.NDArray[np.float32]:
    """Return what turns values at the middles of cells into values at pixels, linearly between.

    Of a ring the last cell is beside the first.

    Shapes: (pixels, cells).
    """
    at = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    distances = np.abs((at if is_ring else np.clip(at, 0, cells - 1))[:, None] - np.arange(cells))
    if is_ring:
        distances = np.minimum(distances, cells - distances)
    shares: npt.NDArray[np.float32] = np.maximum(1 - distances, 0).astype(np.float32)
    return shares


def kept_latents(
    earlier: EarlierPicture,
    job: Job,
    model: Model,
    generator: torch.Generator,
    *,
    on: torch.device,
    checkpoint: Callable[[], None],
) -> Tensor:
    """Return a kept picture's latents (1, C, h, w): its own, or else what it is encoded to."""
    height, width, _ = earlier.pixels.shape
    shape = (1, model.channels, height // model.stride_px, width // model.stride_px)
    if earlier.latents is not None and earlier.latents.shape == shape:
        return torch.from_numpy(earlier.latents)
    pixels = torch.from_numpy(earlier.pixels).permute(2, 0, 1)[None]
    reference = Reference(picture=pixels, height_px=height, width_px=width, around=job.wrapped)
    return model.codec.encode(reference, generator, on=on, checkpoint=checkpoint)
