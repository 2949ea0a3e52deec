"""A picture of a job: where each region lies and how its weight fades."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.contract.files import atomic_write
from engine.contract.job import (
    DEFAULT_STRIDE_PX,
    Job,
    Rectangle,
    Text2ImageRegion,
)
from engine.sampling.masks import region_weights

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
Rgb = npt.NDArray[np.uint8]


def _colour(index: int) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb((0.58 + index * _GOLDEN) % 1, 0.75, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def _shares(regions: Sequence[Text2ImageRegion], job: Job) -> list[npt.NDArray[np.float64]]:
    """Return each region's share of every canvas cell, (R) arrays of (h, w)."""
    stride = DEFAULT_STRIDE_PX
    canvas = np.zeros((job.canvas_height // stride, job.canvas_width // stride))
    weights = []
    for region in regions:
        placed = np.zeros_like(canvas)
        _part(placed, region)[:] = region_weights(region, stride)
        weights.append(placed)
        canvas += placed
    canvas[canvas == 0] = 1
    return [weight / canvas for weight in weights]


def _part(canvas: npt.NDArray[np.float64], region: Rectangle) -> npt.NDArray[np.float64]:
    stride = DEFAULT_STRIDE_PX
    rows = slice(region.row_init // stride, region.row_end // stride)
    return canvas[rows, region.col_init // stride : region.col_end // stride]


def _mixed(shares: Sequence[npt.NDArray[np.float64]], shape: tuple[int, int]) -> Rgb:
    picture = np.zeros((*shape, 3))
    covered = np.zeros(shape)
    for index, share in enumerate(shares):
        picture += share[..., None] * np.array(_colour(index)) * 0.8
        covered += share
    picture[covered == 0] = _UNCOVERED
    return picture.astype(np.uint8)


def _heat(weights: npt.NDArray[np.float64]) -> Rgb:
    """Return weights as heat, from black over red and yellow to white at the largest."""
    largest = weights.max()
    level = weights / largest if largest > 0 else weights
    channels = [np.clip(level * 3 - shift, 0, 1) for shift in (0, 1, 2)]
    return (np.stack(channels, axis=-1) * 255).astype(np.uint8)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _shortened(
    text: str, width_px: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
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
        font = _font(18)
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


def _label(region: Text2ImageRegion, index: int) -> str:
    return f"{index}: {region.prompt or '(no prompt)'}"


def explain(job: Job) -> Image.Image:
    """Return a picture of a job's canvas.

    Above, the whole canvas: each cell in the colours of the regions that paint it, with outlines
    and labels; red-brown where nothing paints. Below, each text region's weight as heat.
    """
    texts = job.text_regions
    shape = (job.canvas_height // DEFAULT_STRIDE_PX, job.canvas_width // DEFAULT_STRIDE_PX)
    width = round(_LONG_SIDE_PX * min(1, job.canvas_width / job.canvas_height))
    numbers = {id(region): index for index, region in enumerate(job.regions)}
    overview = _Canvas(_mixed(_shares(texts, job), shape), job, max(width, 2 * _PANEL_WIDTH_PX))
    drawn: list[tuple[Rectangle, str, Colour]] = [
        (region, _label(region, numbers[id(region)]), _colour(i)) for i, region in enumerate(texts)
    ]
    for image in job.image_regions:
        name = f"{numbers[id(image)]}: {Path(image.reference_image).name}"
        drawn.append((image, f"{name}, {image.strength:.0%}", _IMAGE_OUTLINE))
    for index, reroll in enumerate(job.reroll_regions):
        drawn.append((reroll, f"reroll {index}: {reroll.reroll_mode}", _REROLL_OUTLINE))
    for place, _, colour in drawn:
        overview.outline(place, colour)
    for place, text, colour in drawn:
        overview.label(place, text, colour)
    panels = [_panel(region, numbers[id(region)], i, job) for i, region in enumerate(texts)]
    return _sheet(overview.image, panels)


def _panel(region: Text2ImageRegion, number: int, colour_index: int, job: Job) -> Image.Image:
    stride = DEFAULT_STRIDE_PX
    weights = np.zeros((job.canvas_height // stride, job.canvas_width // stride))
    own = region_weights(region, stride)
    _part(weights, region)[:] = own
    canvas = _Canvas(_heat(weights), job, _PANEL_WIDTH_PX)
    canvas.outline(region, _colour(colour_index))
    panel = Image.new("RGB", (_PANEL_WIDTH_PX, canvas.image.height + 44), _BACKGROUND)
    panel.paste(canvas.image, (0, 44))
    draw = ImageDraw.Draw(panel)
    guidance = "random" if region.guidance_scale is None else f"{region.guidance_scale:g}"
    facts = (
        f"{region.mask_type} x {region.mask_weight:g}, up to {own.max():.3g}; guidance {guidance}"
    )
    for row, text in enumerate((_label(region, number), facts)):
        font = _font(14)
        line = _shortened(text, _PANEL_WIDTH_PX, font)
        draw.text((0, row * 20), line, font=font, fill=_colour(colour_index) if row == 0 else _TEXT)
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


def write_explanation(job: Job, path: Path) -> None:
    """Write the picture of a job as PNG.

    Raises: EngineError of kind `output`.
    """
    with atomic_write(path) as file:
        explain(job).save(file, format="PNG")
