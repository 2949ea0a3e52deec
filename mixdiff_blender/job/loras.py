"""LoRAs as a scene names them, and as a job does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..contract import (
    Job,
    Lora,
    ModelError,
    ModelFacts,
    Problem,
    hub_lora,
    lora_path,
    lora_problems,
)
from .model_facts import model_path
from .model_settings import exact


def loras_of(settings: Any) -> tuple[Lora, ...]:
    """Return the LoRAs that a region or the canvas lists; lines without a name are none yet."""
    named = ((model_path(line.lora), exact(line.weight)) for line in settings.loras)
    return tuple(Lora(lora=name, weight=weight) for name, weight in named if name)


def problems_of_loras(job: Job, facts: ModelFacts) -> Iterator[Problem]:
    """Yield what is wrong with a scene's LoRAs, each at its region."""
    yield from lora_problems(job, Path(), facts.family if facts.is_known else None)


def is_to_be_fetched(name: str) -> bool:
    """Return whether a LoRA is one of the hub's that is not on this computer."""
    whole = model_path(name)
    if whole is None or hub_lora(whole) is None:
        return False
    try:
        lora_path(Lora(lora=whole), Path())
    except ModelError:
        return True
    return False
