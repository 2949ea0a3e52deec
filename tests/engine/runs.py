"""Ways to run a job in a test."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.job import Job
from engine.contract.lora_files import LoraFiles
from engine.contract.memory import MemoryPlan, Way
from engine.families.base import Model
from engine.runtime.batching import Denoiser
from engine.runtime.capacity import Capacity
from engine.sampling.events import Generated, GenerateEvent, ImageRows
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from engine.sampling.masks import MaskImages


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """A finished picture (H, W, 3) and its latents (1, C, h, w)."""

    picture: npt.NDArray[np.uint8]
    latents: Tensor


def read_job(document: Mapping[str, Any]) -> Job:
    """Return the job of a document, with what is left to chance drawn from a fixed seed."""
    return resolve_random(check(document, folder=None).job_or_raise(), Random(0))


def generated(
    document: Mapping[str, Any],
    model: Model,
    references: Mapping[str, Tensor] | None = None,
    masks: MaskImages | None = None,
    loras: LoraFiles | None = None,
) -> ResultRecord:
    """Run a document to its end."""
    job = read_job(document)
    events = list(
        generate(
            job,
            model,
            JobInputs(pictures=references or {}, masks=masks or {}, loras=loras or {}),
        )
    )
    (done,) = (event for event in events if isinstance(event, Generated))
    return ResultRecord(picture=pictures_of(events)[None], latents=done.latents)


def pictures_of(events: Iterable[GenerateEvent]) -> dict[int | None, npt.NDArray[np.uint8]]:
    """Return the pictures that a run told row by row, by their step; None is the finished one."""
    rows: dict[int | None, list[npt.NDArray[np.uint8]]] = {}
    for event in events:
        if isinstance(event, ImageRows):
            rows.setdefault(event.step, []).append(event.rows)
    return {step: np.concatenate(strips) for step, strips in rows.items()}


def by_another_denoiser(model: Model, capacity: Capacity | None = None) -> Model:
    """Return the model with a denoiser that has seen nothing yet."""
    other = copy.copy(model)
    other.denoiser = Denoiser(other, capacity=capacity)
    return other


def latents(
    document: Mapping[str, Any],
    model: Model,
    references: Mapping[str, Tensor] | None = None,
    masks: MaskImages | None = None,
    loras: LoraFiles | None = None,
) -> npt.NDArray[np.float32]:
    """Run a document and return its final latents, (1, C, h, w)."""
    record = generated(document, model, references, masks, loras)
    values: npt.NDArray[np.float32] = record.latents.numpy()
    return values


def relative_error(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Return ‖found − expected‖ / ‖expected‖."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def text_region(
    row_init: int, row_end: int, col_init: int, col_end: int, prompt: str, **more: Any
) -> dict[str, Any]:
    """Return a text region's document."""
    place = {"row_init": row_init, "row_end": row_end, "col_init": col_init, "col_end": col_end}
    return {"type": "text2image", **place, "prompt": prompt, **more}


def canvas(height: int, width: int, *regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a job's document."""
    size = {"canvas_height": height, "canvas_width": width}
    return {"seed": 5, "num_inference_steps": 3, **size, "regions": list(regions), **more}


def placed(network: Way, encoders: Way, *, is_small: bool = False) -> MemoryPlan:
    """Return a plan that has a model's parts in these places."""
    return MemoryPlan(
        network=network,
        encoders=encoders,
        is_small=is_small,
        needed_bytes=0,
        host_bytes=0,
        free_bytes=0,
        costs=(),
    )
