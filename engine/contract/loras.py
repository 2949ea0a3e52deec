"""The LoRAs of a job: where it names them, and which count for a region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from .errors import ModelError, Problem, shown
from .families import Family
from .job import DiffusionRegion, Job, Text2ImageRegion
from .lora import Lora
from .lora_files import LoraFiles, digest_of, lora_path, require_lora


def loras_in(job: Job) -> Iterator[tuple[str, str, Lora]]:
    """Yield the LoRAs of a job, each with its field and the name of its region, if it has one."""
    for index, lora in enumerate(job.loras):
        yield f"loras[{index}].lora", "", lora
    for number, region in enumerate(job.regions):
        if isinstance(region, Text2ImageRegion):
            for index, lora in enumerate(region.loras):
                yield f"regions[{number}].loras[{index}].lora", region.name, lora


def with_loras(job: Job, change: Callable[[Lora], Lora]) -> Job:
    """Return the job with each of its LoRAs changed to another."""

    def changed(region: DiffusionRegion) -> DiffusionRegion:
        if not isinstance(region, Text2ImageRegion) or not region.loras:
            return region
        return replace(region, loras=tuple(map(change, region.loras)))

    return replace(
        job, loras=tuple(map(change, job.loras)), regions=tuple(map(changed, job.regions))
    )


def lora_files(job: Job, folder: Path) -> LoraFiles:
    """Return the files of a job's LoRAs by their names; relative paths start at `folder`.

    Raises: ModelError where one is not on this computer.
    """
    return {lora.lora: lora_path(lora, folder) for _, _, lora in loras_in(job)}


def lora_problems(job: Job, folder: Path, family: Family | None) -> Iterator[Problem]:
    """Yield what is wrong with the LoRAs of a job for a model of the family, each at its field.

    Without a family any will do. Those of weight 0 are looked at too. `folder` is where relative
    paths start.
    """
    for field, region, lora in loras_in(job):
        try:
            require_lora(lora, folder, family)
        except ModelError as error:
            message = error.message.removeprefix("model: ")
            yield Problem(field, shown(lora.lora), message, error.advice, region=region)


def identified(job: Job, files: LoraFiles) -> Job:
    """Return the job with the content of each LoRA's file named by its digest."""
    return with_loras(job, lambda lora: replace(lora, sha256=digest_of(files[lora.lora])))


def unidentified(job: Job) -> Job:
    """Return the job for whatever files lie now where its LoRAs lay."""
    return with_loras(job, lambda lora: replace(lora, sha256=""))


def lora_of_text(text: str) -> Lora:
    """Return the LoRA that a command line names: FILE, or FILE:WEIGHT."""
    name, _, weight = text.rpartition(":")
    try:
        return Lora(lora=name, weight=float(weight)) if name else Lora(lora=text)
    except ValueError:  # a path of Windows, or an address
        return Lora(lora=text)
