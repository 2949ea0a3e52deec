"""The reference pictures of a job: what each text region's passes see of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.contract.adapter_files import adapter_misfit, facts_of_adapter
from engine.contract.adapters import adapter_name_for
from engine.contract.errors import ModelError
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.models import ModelFacts
from engine.contract.references import ReferencePicture
from engine.families.base import Model
from engine.runtime.following import Followed

Adapters = Mapping[str, Any]
"""Loaded IP-Adapters by the names that a job gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceInputs:
    """What a job's references name, loaded: pictures (1, 3, H, W), as bytes, and IP-Adapters."""

    pictures: Mapping[str, Tensor] = field(default_factory=dict)
    adapters: Adapters = field(default_factory=dict)


NO_REFERENCES = ReferenceInputs()


def with_named_adapters(job: Job, facts: ModelFacts) -> Job:
    """Return a job whose references all name the IP-Adapter that they mean, where they need one."""

    def named(references: tuple[ReferencePicture, ...]) -> tuple[ReferencePicture, ...]:
        return tuple(replace(one, model=adapter_name_for(one.model, facts)) for one in references)

    return replace(
        job,
        references=named(job.references),
        regions=tuple(
            replace(region, references=named(region.references))
            if isinstance(region, Text2ImageRegion)
            else region
            for region in job.regions
        ),
    )


def adapter_names(job: Job) -> tuple[str, ...]:
    """Return the IP-Adapters that a job needs, each once."""
    found = (one.model for region in job.text_regions for one in region.references_in(job))
    return tuple(dict.fromkeys(name for name in found if name is not None))


def require_adapters(job: Job, facts: ModelFacts, folder: Path) -> None:
    """See that the IP-Adapters of a job are here and go with its model, before any is loaded.

    `folder` is where relative paths start.

    Raises: EngineError of kind `model`.
    """
    for name in adapter_names(job):
        if complaint := adapter_misfit(facts_of_adapter(name, folder), name, facts):
            raise ModelError(*complaint)


def region_references(
    job: Job,
    model: Model,
    inputs: ReferenceInputs,
    *,
    on: torch.device,
    checkpoint: Callable[[], None] = lambda: None,
) -> list[list[Followed]]:
    """Return what each text region of a job follows; what has a scale of 0 is left out.

    `on` is where pictures are encoded; `checkpoint` is called between them and may raise.
    """
    looks: dict[tuple[str, str | None], tuple[Tensor, Tensor]] = {}

    def followed(reference: ReferencePicture) -> Followed:
        key = reference.image, reference.model
        adapter = None if reference.model is None else inputs.adapters[reference.model]
        if key not in looks:
            checkpoint()
            picture, device = inputs.pictures[reference.image], model.device.torch_device
            shown, hidden = model.look_at(picture, adapter, on=on)
            looks[key] = shown.to(device), hidden.to(device)
        shown, hidden = looks[key]
        return Followed(
            adapter=adapter,
            shown=shown,
            hidden=hidden,
            scale=reference.scale,
            start=reference.start,
            end=reference.end,
        )

    return [
        [followed(reference) for reference in region.references_in(job)]
        for region in job.text_regions
    ]
