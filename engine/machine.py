"""What the machine is that the engine runs on, and what a job takes of its memory: in words."""

from __future__ import annotations

import importlib.metadata
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine import __version__
from engine.contract.beside import work_of
from engine.contract.catalogue import BUNDLED_FOLDER, NOTE
from engine.contract.devices import AUTO
from engine.contract.errors import EngineError, Problem
from engine.contract.fitting import memory_plan, memory_problems
from engine.contract.job import Job
from engine.contract.memory import Machine
from engine.contract.model_folders import read_object
from engine.contract.models import facts_of
from engine.runtime import devices

_PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "numpy", "pillow")


def this_machine() -> Machine:
    """Return the machine, with the fastest device that it has."""
    return devices.machine_of(devices.choose_device())


def memory_of_job(job: Job, folder: Path) -> tuple[str, tuple[Problem, ...]]:
    """Return what a job takes of this machine's memory, and that it is too much where it is."""
    work = work_of(job, facts_of(job.model, folder), folder)
    try:
        plan = memory_plan(job.model, folder, work, this_machine())
    except EngineError as error:
        return "", memory_problems(error, job.model)
    return plan.text if plan else "the model is not here, so nothing is known of its size", ()


def machine_facts(device: str = AUTO, dtype: str = AUTO) -> dict[str, Any]:
    """Return versions, device and memory as plain values.

    Raises: EngineError of kind `device` where the wanted one is not there.
    """
    chosen = devices.choose_device(device, dtype)
    versions = {"engine": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "versions": versions,
        "platform": platform.platform(),
        **chosen.to_document(),
        "memory": devices.memory_of(chosen.torch_device),
        "machine": devices.machine_of(chosen).to_document(),
        "bundled_model": read_object(BUNDLED_FOLDER / NOTE),
    }
