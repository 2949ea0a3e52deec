"""What reference pictures must be like, for the model that is to follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .adapter_files import adapter_complaint
from .image_sizes import ImageSize
from .models import ModelFacts
from .parse import Findings, RecordDraft
from .references import ReferencePicture

_LEAST_SEEN_PX, _LONGEST_SEEN = 64, 8
"""The shortest side of a picture that FLUX.2 sees, and how many times as long the other may be."""
_SCALE = next(
    field.default
    for field in ReferencePicture.__dataclass_fields__.values()
    if field.name == "scale"
)


def check_references(
    references: Sequence[RecordDraft],
    facts: ModelFacts,
    folder: Path | None,
    sizes: Sequence[Mapping[str, ImageSize]],
    findings: Findings,
) -> None:
    """Note what is wrong with reference pictures; `sizes` are those of the pictures' files."""
    for reference, size in zip(references, sizes, strict=True):
        at, values = f"{reference.path}.", reference.values
        start, end = values.get("start", 0.0), values.get("end", 1.0)
        if start >= end:
            message = f"{start:g} is not before the end, {end:g}"
            findings.error(f"{at}start", start, message, "use 0 and 1 for all steps")
        scale = values.get("scale", _SCALE)
        if scale == 0:
            continue  # what is not followed needs no IP-Adapter
        model = values.get("model")
        if complaint := adapter_complaint(model, facts, folder):
            findings.error(f"{at}model", model, *complaint)
        elif facts.is_known and facts.family.sees_references:
            _seen(at, values, scale, size.get("image"), facts, findings)


def _seen(
    at: str,
    values: Mapping[str, object],
    scale: float,
    size: ImageSize | None,
    facts: ModelFacts,
    findings: Findings,
) -> None:
    """Note what is doubtful about a picture that the network is shown itself."""
    title = facts.family.title
    if scale != _SCALE:
        message = f"has no effect: {title} is shown the picture, and follows it as the prompt says"
        remedy = "say in the prompt what to take from it, or use 0 to leave it out"
        findings.warn(f"{at}scale", scale, message, remedy)
    if size is None:
        return
    short, long = sorted((size.width_px, size.height_px))
    if 0 < short < _LEAST_SEEN_PX:
        message = f"the picture has a side of {short} pixels, less than {title} can see"
        remedy = f"enlarge it to {_LEAST_SEEN_PX} pixels or more"
        findings.error(f"{at}image", values.get("image"), message, remedy)
    elif long > _LONGEST_SEEN * short > 0:
        message = f"the picture is {long / short:.1f} times as long as wide"
        remedy = f"crop it to {_LONGEST_SEEN} times or less"
        findings.error(f"{at}image", values.get("image"), message, remedy)
