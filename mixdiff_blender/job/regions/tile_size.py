"""How large a region may be before it is painted as tiles."""

from __future__ import annotations

import json
from pathlib import Path

import bpy

from ...contract import BUNDLED_MODEL, DEFAULT_STRIDE_PX, ENGINE_FOLDER

_USUAL_PX = 512  # Stable Diffusion 1
_BUNDLED_PX = 320  # the largest pictures that the bundled model was trained on


def largest_region_px(model: str, tile_size: int) -> int:
    """Return the largest side of a region that is painted in one piece.

    The scene's tile size; where that is 0, what the model's folder says of what it was trained on.
    """
    if tile_size:
        return tile_size
    model = model.strip()
    if model in ("", BUNDLED_MODEL):
        about = _number(ENGINE_FOLDER / "bundled" / "mixdiff.json", "largest_size_px")
        return about or _BUNDLED_PX
    folder = Path(bpy.path.abspath(model))
    cells = _number(folder / "unet" / "config.json", "sample_size")
    return max(_USUAL_PX, cells * DEFAULT_STRIDE_PX)


def _number(path: Path, key: str) -> int:
    """Return a whole number from a JSON file, or 0 where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError, AttributeError):
        return 0
    return value if isinstance(value, int) else 0
