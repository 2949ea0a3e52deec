"""What paints the parts of the picture that no region covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ...contract import Rectangle, Text2ImageRegion, uncovered_share
from ...properties import CanvasSettings
from ..prompts import whole_picture_prompt
from .entries import Source
from .projection import Canvas, CanvasRectangle

# What a soft region of weight 1 has at the middle of its sides: it keeps the ellipse that fits into
# its rectangle, and the background fades in towards the corners.
BACKGROUND_WEIGHT = 1e-4


def background_of(
    settings: CanvasSettings, canvas: Canvas, placed: Sequence[tuple[Source, CanvasRectangle]]
) -> Text2ImageRegion | None:
    """Return the region behind all others, or None where none is needed.

    It has the whole picture's prompt. Where nothing else has a prompt it is there in any case.
    """
    prompt = whole_picture_prompt(settings.prompt)
    painting = [
        Rectangle(**asdict(rectangle))
        for source, rectangle in placed
        if source.settings.type == Text2ImageRegion.TYPE and source.settings.mask_weight > 0
    ]
    has_gaps = uncovered_share(canvas.height_px, canvas.width_px, painting) > 0
    if not prompt or not (has_gaps and (settings.background or not painting)):
        return None
    return Text2ImageRegion(
        row_init=0,
        row_end=canvas.height_px,
        col_init=0,
        col_end=canvas.width_px,
        prompt=prompt,
        mask_type="constant",
        mask_weight=BACKGROUND_WEIGHT if painting else 1.0,
    )
