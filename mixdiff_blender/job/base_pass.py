"""The base pass of a scene's job, and what it says the whole picture shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..properties import CanvasSettings
from .model_settings import exact
from .prompts import Words, escaped, filled, region_prompt


def base_of(
    settings: CanvasSettings, prompts: Iterable[str], *, guidance: float, words: Words
) -> dict[str, Any]:
    """Return the job's fields of the base pass; none where it is off.

    Its prompt is the scene's own for it, or else the background's and the regions' `prompts` one
    after the other; in the style of all. `words` are what its fields take from the scene.
    """
    strength = exact(settings.base_strength)
    if strength == 0:
        return {}
    shown = settings.base_prompt
    if not shown.strip():
        parts = (part.strip() for part in (filled(settings.background_prompt, words), *prompts))
        shown = escaped(", ".join(dict.fromkeys(filter(None, parts))))
    return {
        "base_prompt": filled(region_prompt(settings.prompt, shown), words),
        "base_guidance_scale": guidance,
        "base_strength": strength,
        "base_end": exact(settings.base_end),
    }
