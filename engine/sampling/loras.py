"""The LoRAs of a job, held by its model, and what is said of those that fit badly."""

from __future__ import annotations

from collections.abc import Iterator

from engine.contract.errors import JobError, ModelError, Problem, shown, warning
from engine.contract.job import Job
from engine.contract.lora_files import LoraFiles
from engine.contract.loras import loras_in
from engine.families.base import Model


def hold_loras(job: Job, model: Model, files: LoraFiles) -> None:
    """Have a model hold the LoRAs of a job, and no others.

    Raises: JobError where one does not fit the model, at the first field that names it.
    """
    try:
        model.loras.hold(files)
    except ModelError as error:
        raise JobError([_problem(job, files, error)]) from error


def misfit_warnings(job: Job, model: Model) -> Iterator[Problem]:
    """Yield a warning for each LoRA of which a part finds nothing to change in the model."""
    for field, region, lora in loras_in(job):
        fit = model.loras.fit(lora.lora)
        if fit.found < fit.layers:
            message = (
                f"{fit.layers - fit.found} of its {fit.layers} layers fit nothing in the model "
                "and have no effect"
            )
            remedy = "see whether it was made for another version of the model"
            yield warning(field, shown(lora.lora), message, remedy, region)


def _problem(job: Job, files: LoraFiles, error: ModelError) -> Problem:
    message = error.message.removeprefix("model: ")
    for field, region, lora in loras_in(job):
        if message.startswith(files[lora.lora].name):
            return Problem(field, shown(lora.lora), message, error.advice, region=region)
    return Problem("loras", "", message, error.advice)
