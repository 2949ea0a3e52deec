"""A picture of a job: where each region lies and how its weight fades."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.contract.files import atomic_write
from engine.contract.geometry import Rectangle
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.limits import Limits
from engine.contract.models import facts_of
from engine.sampling.masks import MaskImages, canvas_weights
from engine.storage.images import open_masks
from engine.storage.png import require_png

_LONG_SIDE_PX = 1280
_PANEL_WIDTH_PX = 300
_GAP_PX = 16
_BACKGROUND = (24, 24, 28)
_TEXT = (235, 235, 235)
_UNCOVERED = (60, 20, 20)
_IMAGE_OUTLINE = (255, 255, 255)
_REROLL_OUTLINE = (255, 200, 0)
_GOLDEN = 0.618034

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Rgb = npt.NDArray[np.uint8]


def _colour(index: int) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb((0.58 + index * _GOLDEN) % 1, 0.75, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A job on the grid of a model's latents, with the masks of its regions."""

    job: Job
    stride_px: int
    masks: MaskImages

    @property
    def shape(self) -> tuple[int, int]:
        return self.job.canvas_height // self.stride_px, self.job.canvas_width // self.stride_px

    def weights(self, region: Text2ImageRegion) -> npt.NDArray[np.float64]:
        """Return a region's weight at every cell of the canvas, (h, w)."""
        return canvas_weights(region, self.job, self.stride_px, self.masks)

    def mixed(self) -> Rgb:
        """Return each cell in the colours of the regions that generate it, by their shares."""
        weights = [self.weights(region) for region in self.job.text_regions]
        total = np.sum(weights, axis=0)
        picture = np.zeros((*self.shape, 3))
        for index, weight in enumerate(weights):
            share = weight / np.where(total == 0, 1, total)
            picture += share[..., None] * np.array(_colour(index)) * 0.8
        picture[total == 0] = _UNCOVERED
        return picture.astype(np.uint8)


def _heat(weights: npt.NDArray[np.float64]) -> Rgb:
    """Return weights as heat, from black over red and yellow to white at the largest."""
    largest = weights.max()
    level = weights / largest if largest > 0 else weights
    channels = [np.clip(level * 3 - shift, 0, 1) for shift in (0, 1, 2)]
    return (np.stack(channels, axis=-1) * 255).astype(np.uint8)


def _shortened(text: str, width_px: float, font: Font) -> str:
    text = " ".join(text.split())
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(f"{text}…") > width_px:
        text = text[:-1]
    return f"{text}…"


class _Canvas:
    """Draws on a picture of the canvas at some scale."""

    def __init__(self, pixels: Rgb, job: Job, width_px: int) -> None:
        self._scale = width_px / job.canvas_width
        size = (width_px, max(1, round(job.canvas_height * self._scale)))
        self.image = Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self.image)

    def outline(self, region: Rectangle, colour: Colour) -> None:
        """Draw a region's border."""
        left, top, right, bottom = self._box(region)
        self._draw.rectangle(
            (left, top, max(left, right), max(top, bottom)), outline=colour, width=2
        )

    def label(self, region: Rectangle, text: str, colour: Colour) -> None:
        """Write in the middle of a region, where its weight is largest."""
        left, top, right, bottom = self._box(region)
        font = ImageFont.load_default(18)
        text = _shortened(text, max(right - left - 14, 0), font)
        middle = ((left + right) / 2, (top + bottom) / 2)
        box = self._draw.textbbox(middle, text, font=font, anchor="mm")
        self._draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill=_BACKGROUND)
        self._draw.text(middle, text, font=font, fill=colour, anchor="mm")

    def _box(self, region: Rectangle) -> tuple[float, float, float, float]:
        return (
            region.col_init * self._scale,
            region.row_init * self._scale,
            min(region.col_end * self._scale, self.image.width) - 1,
            min(region.row_end * self._scale, self.image.height) - 1,
        )


def _label(region: Text2ImageRegion) -> str:
    return f"{region.name}: {region.prompt or '(no prompt)'}"


def explain(job: Job, stride_px: int, masks: MaskImages) -> Image.Image:
    """Return a picture of a job's canvas.

    Above, the whole canvas: each cell in the colours of the regions that generate it, with outlines
    and labels; red-brown where none does. Below, each text region's weight as heat.
    """
    texts = job.text_regions
    grid = _Grid(job=job, stride_px=stride_px, masks=masks)
    width = round(_LONG_SIDE_PX * min(1, job.canvas_width / job.canvas_height))
    overview = _Canvas(grid.mixed(), job, max(width, 2 * _PANEL_WIDTH_PX))
    outlined: list[tuple[Rectangle, str, Colour]] = [
        (region, _label(region), _colour(i)) for i, region in enumerate(texts)
    ]
    for image in job.image_regions:
        name = f"{image.name}: {Path(image.reference_image).name}"
        outlined.append((image, f"{name}, {image.strength:.0%}", _IMAGE_OUTLINE))
    for reroll in job.reroll_regions:
        outlined.append((reroll, f"{reroll.name}: {reroll.reroll_mode}", _REROLL_OUTLINE))
    for bounds, _, colour in outlined:
        overview.outline(bounds, colour)
    for bounds, text, colour in outlined:
        overview.label(bounds, text, colour)
    panels = [_panel(region, _colour(i), grid) for i, region in enumerate(texts)]
    return _sheet(overview.image, panels)


def _panel(region: Text2ImageRegion, colour: Colour, grid: _Grid) -> Image.Image:
    weights = grid.weights(region)
    canvas = _Canvas(_heat(weights), grid.job, _PANEL_WIDTH_PX)
    canvas.outline(region, colour)
    panel = Image.new("RGB", (_PANEL_WIDTH_PX, canvas.image.height + 44), _BACKGROUND)
    panel.paste(canvas.image, (0, 44))
    draw = ImageDraw.Draw(panel)
    guidance = "random" if region.guidance_scale is None else f"{region.guidance_scale:g}"
    mask = "" if region.mask is None else " x mask"
    facts = (
        f"{region.mask_type}{mask} x {region.mask_weight:g}, up to {weights.max():.4g}; "
        f"guidance {guidance}"
    )
    font = ImageFont.load_default(14)
    for top, text, fill in ((0, _label(region), colour), (20, facts, _TEXT)):
        draw.text((0, top), _shortened(text, _PANEL_WIDTH_PX, font), font=font, fill=fill)
    return panel


def _sheet(overview: Image.Image, panels: Sequence[Image.Image]) -> Image.Image:
    columns = max(1, (overview.width + _GAP_PX) // (_PANEL_WIDTH_PX + _GAP_PX))
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    height = overview.height + sum(row[0].height + _GAP_PX for row in rows)
    sheet = Image.new("RGB", (overview.width + 2 * _GAP_PX, height + 2 * _GAP_PX), _BACKGROUND)
    sheet.paste(overview, (_GAP_PX, _GAP_PX))
    top = overview.height + 2 * _GAP_PX
    for row in rows:
        for column, panel in enumerate(row):
            sheet.paste(panel, (_GAP_PX + column * (_PANEL_WIDTH_PX + _GAP_PX), top))
        top += row[0].height + _GAP_PX
    return sheet


def write_explanation(job: Job, path: Path, *, folder: Path, limits: Limits) -> None:
    """Write the picture of a job as PNG; the job's relative paths start at `folder`.

    Raises: EngineError of kind `output`, or `picture` for a mask that cannot be read.
    """
    require_png(path)
    stride_px = facts_of(job.model, folder).family.stride_px
    image = explain(job, stride_px, open_masks(job, folder, limits))
    with atomic_write(path) as file:
        image.save(file, format="PNG")
