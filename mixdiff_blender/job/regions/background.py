"""What generates the parts of the picture that no region covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...contract import Image2ImageRegion, Text2ImageRegion, pieces, uncovered_share
from ...properties import CanvasSettings
from ..prompts import Words, filled, region_prompt
from .projection import Canvas
from .silhouettes import Coverage, left_free

BACKGROUND_NAME = "Background"
BACKGROUND_ID = "background"
# What a soft region of weight 1 has at the middle of its sides: it keeps the ellipse that fits into
# its rectangle, and the background fades in towards the corners.
BACKGROUND_WEIGHT = 1e-4
_FREE_NAME = "picture-0-what is free.png"


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
    free: Coverage | None = None,
) -> Text2ImageRegion | None:
    """Return the region behind all others, or None where none is needed.

    It has the background's prompt in the style of all. Where nothing else has a prompt it is there
    in any case, if there is anything that it could show. It lies behind regions whose weights depth
    has lowered to a least share; or takes what silhouettes leave `free`, where all are such.
    `words` are what its fields take from the scene.
    """
    prompt = filled(whole_prompt(settings), words)
    generating = _generating(regions)
    if free is not None:
        has_gaps = free.has_whole(canvas.grid_px // 2)
    else:
        covering = [region for region in generating if region.mask is None]
        size = canvas.height_px, canvas.width_px
        parts = [part for region in covering for part in pieces(region, *size)]
        has_gaps = uncovered_share(*size, parts) > 0
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
        mask_weight=BACKGROUND_WEIGHT * least_share if generating and free is None else 1.0,
        mask=_FREE_NAME if free is not None else None,
    )


def free_of_silhouettes(
    canvas: Canvas,
    regions: Sequence[Text2ImageRegion | Image2ImageRegion],
    covered: Mapping[str, Coverage],
) -> Coverage | None:
    """Return what silhouettes leave free of the canvas; None where not all regions have one.

    `covered` has what of its rectangle each region with a silhouette covers, by its id.
    """
    generating = _generating(regions)
    if not generating or any(region.id not in covered for region in generating):
        return None
    return left_free(canvas, ((region, covered[region.id]) for region in generating))


def _generating(
    regions: Sequence[Text2ImageRegion | Image2ImageRegion],
) -> list[Text2ImageRegion]:
    return [r for r in regions if isinstance(r, Text2ImageRegion) and r.mask_weight > 0]
