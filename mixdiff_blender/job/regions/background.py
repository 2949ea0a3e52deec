"""What generates the parts of the picture that no region covers."""

from __future__ import annotations

from collections.abc import Sequence

from ...contract import Image2ImageRegion, Text2ImageRegion, uncovered_share
from ...properties import CanvasSettings
from ..prompts import Words, filled, region_prompt
from .projection import Canvas

BACKGROUND_NAME = "Background"
BACKGROUND_ID = "background"
# What a soft region of weight 1 has at the middle of its sides: it keeps the ellipse that fits into
# its rectangle, and the background fades in towards the corners.
BACKGROUND_WEIGHT = 1e-4


def whole_prompt(settings: CanvasSettings) -> str:
    """Return the prompt of what no region covers."""
    return region_prompt(settings.prompt, settings.background_prompt)


def background_of(
    settings: CanvasSettings,
    canvas: Canvas,
    regions: Sequence[Text2ImageRegion | Image2ImageRegion],
    *,
    guidance: float,
    least_share: float,
    words: Words,
) -> Text2ImageRegion | None:
    """Return the region behind all others, or None where none is needed.

    It has the background's prompt in the style of all. Where nothing else has a prompt it is there
    in any case, if there is anything that it could show. It lies behind regions whose weights depth
    has lowered to a least share. `words` are what its fields take from the scene.
    """
    prompt = filled(whole_prompt(settings), words)
    generating = [r for r in regions if isinstance(r, Text2ImageRegion) and r.mask_weight > 0]
    covering = [region for region in generating if region.mask is None]
    has_gaps = uncovered_share(canvas.height_px, canvas.width_px, covering) > 0
    is_wanted = settings.background if generating else bool(prompt)
    if not (has_gaps and is_wanted):
        return None
    return Text2ImageRegion(
        row_init=0,
        row_end=canvas.height_px,
        col_init=0,
        col_end=canvas.width_px,
        name=BACKGROUND_NAME,
        id=BACKGROUND_ID,
        prompt=prompt,
        guidance_scale=guidance if prompt else 0.0,  # which asks for no prompt's
        mask_type="constant",
        mask_weight=BACKGROUND_WEIGHT * least_share if generating else 1.0,
    )
