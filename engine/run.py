"""One run on files: read the job and its pictures, keep the model, write the results."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

import numpy as np
import torch

from engine import __version__
from engine.contract.errors import Problem
from engine.contract.files import atomic_write
from engine.contract.job import job_to_document, resolve_random
from engine.contract.limits import Limits
from engine.contract.validate import check
from engine.families.components import Components
from engine.families.loading import load_components, resolve
from engine.runtime.devices import Device
from engine.runtime.references import reference_bytes
from engine.sampling.events import (
    Done,
    Generated,
    OutOfMemoryRetry,
    PhaseBegan,
    PictureRows,
    RowsDone,
    RunEvent,
)
from engine.sampling.oom_retry import generate_with_oom_retry
from engine.storage.images import open_picture
from engine.storage.png import GrowingPng, moved

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to run and where its results go; relative paths of the document start at `folder`."""

    document: object
    folder: Path
    output: Path
    latents: Path | None = None
    preview_every_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class ModelKeeper:
    """Keeps the model that was used last, so that the next job finds it loaded."""

    device: Device
    default_model: str | None = None
    _resolved: str | None = None
    _components: Components | None = None

    def components(self, name: str | None, folder: Path) -> Components:
        """Return the components of a model, loaded unless they already are.

        Raises: EngineError of kind `model`.
        """
        resolved = resolve(name or self.default_model, folder)
        if self._components is None or resolved != self._resolved:
            self.unload()  # first, so that two models never share the memory
            self._components = load_components(resolved, self.device)
            self._resolved = resolved
        return self._components

    def unload(self) -> None:
        """Give the model's memory back."""
        self._components = self._resolved = None
        if self.device.torch_device.type == "cuda":
            torch.cuda.empty_cache()


@dataclass(slots=True)
class _Stopwatch:
    seconds: dict[str, float] = field(default_factory=dict)
    _phase: str = ""
    _began: float = 0.0

    def enter(self, phase: str) -> None:
        now = time.monotonic()
        if self._phase:
            spent = self.seconds.get(self._phase, 0.0) + now - self._began
            self.seconds[self._phase] = round(spent, 4)
        self._phase, self._began = phase, now


def run(
    request: RunRequest,
    keeper: ModelKeeper,
    *,
    limits: Limits | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[RunEvent]:
    """Run a job's document to its files, and yield what happens; the last event is Done.

    Raises: JobError for a wrong job; EngineError for all else; Cancelled.
    """
    limits = limits or Limits()
    watch = _Stopwatch()
    # Before a model is loaded for it; the model's own stride is known after.
    checked = check(request.document, folder=request.folder, limits=limits)
    model = checked.job_or_raise().model
    watch.enter("loading")
    yield PhaseBegan(phase="loading")
    components = keeper.components(model, request.folder)
    stride = components.denoiser.stride_px
    checked = check(request.document, folder=request.folder, stride_px=stride, limits=limits)
    job = resolve_random(checked.job_or_raise(), SystemRandom())
    references = {
        region.reference_image: reference_bytes(
            open_picture(request.folder / region.reference_image, limits)
        )
        for region in job.image_regions
    }

    notes = {"engine": __version__, "torch": torch.__version__, **keeper.device.to_document()}
    output_folder = request.output.parent
    kept_job = moved(job, request.folder, output_folder)
    document = job_to_document(kept_job)
    warnings = checked.warnings
    steps: dict[int, Path] = {}
    png: GrowingPng | None = None
    try:
        for event in generate_with_oom_retry(
            job,
            components,
            references=references,
            is_cancelled=is_cancelled,
            preview_every_s=request.preview_every_s,
        ):
            match event:
                case PhaseBegan():
                    watch.enter(event.phase)
                    yield event
                case PictureRows():
                    if png is None:
                        path = request.output
                        if event.step is not None:
                            path = steps[event.step] = _step_path(request.output, event.step)
                        png = GrowingPng(path, event.size_px, job=document, run=notes)
                    png.add(event.rows)
                    if event.step is None:
                        yield RowsDone(row=png.rows_done, rows=event.size_px[1])
                    if png.is_whole:
                        png = None
                case OutOfMemoryRetry():
                    log.warning("short of memory: %s", event.told)
                    warnings = (*warnings, _oom_warning(event))
                    if png is not None:
                        png.discard()
                        png = None
                case Generated():
                    watch.enter("writing")
                    yield PhaseBegan(phase="writing")
                    if request.latents is not None:
                        with atomic_write(request.latents) as file:
                            np.savez_compressed(file, latents=event.latents.cpu().numpy())
                case _:
                    yield event
    finally:
        if png is not None:
            png.discard()
    watch.enter("")
    yield Done(
        output=request.output,
        job=document,
        problems=warnings,
        steps=tuple(steps.values()),
        timings_s=watch.seconds,
    )


def _oom_warning(event: OutOfMemoryRetry) -> Problem:
    return Problem(
        field="",
        value="",
        message=f"the memory was short, so it took longer: {event.told}",
        remedy="smaller regions, or cpu_vae from the start, avoid the second try",
        severity="warning",
    )


def _step_path(output: Path, step: int) -> Path:
    return output.with_name(f"{output.stem}-steps") / f"{step:04d}.png"
