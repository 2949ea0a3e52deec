"""The prompt of the whole picture, and each region's prompt within it."""

from __future__ import annotations

import re

PLACEHOLDER = "{prompt}"

_SPACES = re.compile(r"\s+")
_COMMAS = re.compile(r"\s*,(?:\s*,)+")


def region_prompt(root: str, prompt: str) -> str:
    """Return a region's prompt within that of the whole picture.

    The root's follows the region's after a comma, or surrounds it where it holds `{prompt}`.
    """
    root, prompt = root.strip(), prompt.strip()
    if not prompt:
        return whole_picture_prompt(root)
    if PLACEHOLDER in root:
        return root.replace(PLACEHOLDER, prompt)
    return f"{prompt}, {root}" if root else prompt


def whole_picture_prompt(root: str) -> str:
    """Return the prompt of the whole picture without a region in it, and nothing left of its place.

    `a photo of {prompt}, evening` becomes `a photo, evening`.
    """
    if PLACEHOLDER not in root:
        return root.strip()
    text = re.sub(rf"(?:\b(?:of|with|showing)\s+)?{re.escape(PLACEHOLDER)}", " ", root)
    text = _COMMAS.sub(",", _SPACES.sub(" ", text)).replace(" ,", ",")
    return text.strip(" ,")
