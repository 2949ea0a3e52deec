"""A LoRA as a job names it."""

from __future__ import annotations

from dataclasses import dataclass

from .kinds import ModelName, Real, Text, spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """An addition to a model, and how much it counts: a style, a thing, a way of few steps."""

    lora: str = spec(
        ModelName(),
        "File of the LoRA, or its name on the hub: owner/name, or owner/name/file.safetensors",
    )
    weight: float = spec(
        Real(-10, 10),
        "How much the LoRA counts: 1 as it was trained, 0 not at all, below 0 the opposite",
        default=1.0,
    )
    sha256: str = spec(
        Text(),
        "What tells the file from any other; filled in when the picture is made",
        default="",
    )
