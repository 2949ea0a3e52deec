"""One run on files: read the job and its pictures, keep the model, write the results."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import SystemRandom
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine import __version__
from engine.contract.beside import work_of
from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.devices import FLOAT8
from engine.contract.errors import Problem, shown, warning
from engine.contract.files import atomic_write, path_in
from engine.contract.job import Job, to_document
from engine.contract.limits import Limits
from engine.contract.lora_files import LoraFiles
from engine.contract.loras import identified, lora_files
from engine.model_keeper import ModelKeeper
from engine.runtime.devices import taken_bytes
from engine.runtime.references import picture_bytes, reference_bytes
from engine.sampling.controls import (
    ControlInputs,
    require_nets,
    with_named_controlnets,
)
from engine.sampling.events import (
    Done,
    Generated,
    ImageRows,
    MemoryPlanned,
    OutOfMemoryRetry,
    PhaseBegan,
    RowsDone,
    RunEvent,
    Warned,
)
from engine.sampling.following import (
    ReferenceInputs,
    require_adapters,
    with_named_adapters,
)
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from engine.sampling.oom_retry import with_oom_retry
from engine.sampling.ranks import ALONE, Ranks
from engine.storage.images import (
    count_frames,
    open_colours,
    open_controls,
    open_image,
    open_masks,
    open_references,
)
from engine.storage.kept import Latents, latents_note, open_kept
from engine.storage.png import GrowingPng, moved, require_png

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What to run and where its results go; relative paths of the document start at `folder`."""

    document: object
    folder: Path
    output: Path
    latents: Path | None = None
    preview_every_s: float = 0.0
    recorded: Mapping[str, Any] | None = None
    """The job as the picture is to hold it, where its paths are another machine's."""


def _seconds(began: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return how long each phase took, from when each began."""
    seconds: dict[str, float] = {}
    for (phase, start), (_, end) in pairwise(began):
        seconds[phase] = round(seconds.get(phase, 0.0) + end - start, 4)
    return seconds


def _as_tensors(pictures: Mapping[str, npt.NDArray[np.uint8]]) -> dict[str, Tensor]:
    """Return pictures (H, W, 3) as (1, 3, H, W)."""
    return {name: torch.from_numpy(p).permute(2, 0, 1)[None] for name, p in pictures.items()}


def _read_inputs(
    job: Job, folder: Path, limits: Limits, keeper: ModelKeeper, loras: LoraFiles
) -> JobInputs:
    """Read what a job names, once its model is loaded; relative paths start at `folder`."""
    first = kept = None
    if job.second_pass is not None:
        first = picture_bytes(open_image(path_in(folder, job.second_pass.picture), limits))
    if job.kept is not None:
        kept = open_kept(job.kept, folder, limits, made_with=keeper.label)
    return JobInputs(
        pictures={
            region.reference_image: reference_bytes(
                open_image(path_in(folder, region.reference_image), limits)
            )
            for region in job.image_regions
        },
        masks=open_masks(job, folder, limits),
        loras=loras,
        controls=ControlInputs(
            pictures=_as_tensors(open_controls(job, folder, limits)),
            nets=keeper.controlnets(job, folder),
        ),
        references=ReferenceInputs(
            pictures=_as_tensors(open_references(job, folder, limits)),
            adapters=keeper.adapters(job, folder),
        ),
        colours=None if job.noise_map is None else open_colours(job, folder, limits),
        kept=kept,
        first=first,
    )


_LOOKED_AT = ("reference_image", "mask", "strength_map")


def _unseen_frames(job: Job, folder: Path, limits: Limits) -> Iterator[Problem]:
    for region in job.regions:
        named = {key: getattr(region, key, None) for key in _LOOKED_AT}
        for key, name in named.items():
            count = 1 if name is None else count_frames(folder / name, limits)
            if count > 1:
                message = f"has {count} pictures, of which the first is used"
                remedy = "save the one that is meant as a file of its own"
                yield warning(key, shown(name), message, remedy, region.name)


def run(
    request: RunRequest,
    keeper: ModelKeeper,
    *,
    limits: Limits | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    ranks: Ranks = ALONE,
) -> Iterator[RunEvent]:
    """Run a job's document to its files, and yield what happens; the last event is Done.

    Of several `ranks` each calls this, and the first one writes.

    Raises: JobError for a wrong job; EngineError for all else; Cancelled.
    """
    require_png(request.output)
    limits = limits or Limits()
    facts = keeper.facts(request.document, request.folder)
    checked = check(request.document, folder=request.folder, facts=facts, limits=limits)
    job = with_named_adapters(with_named_controlnets(checked.job_or_raise(), facts), facts)
    job = ranks.agreed(resolve_random(job, SystemRandom()))
    loras = lora_files(job, request.folder)
    job = identified(job, loras)
    require_nets(job, facts, request.folder)
    require_adapters(job, facts, request.folder)
    began = [("loading", time.monotonic())]
    yield PhaseBegan(phase="loading")
    keeper.import_classes(facts)
    work = work_of(job, facts, request.folder)
    plan = keeper.plan(job.model, request.folder, work)
    if plan is not None:
        log.info("memory: %s", plan.text)
        yield MemoryPlanned(text=plan.text)
    model = keeper.model(job.model, request.folder, work, plan)
    inputs = _read_inputs(job, request.folder, limits, keeper, loras)
    warnings = (*checked.warnings, *_unseen_frames(job, request.folder, limits))

    notes = {"engine": __version__, "torch": torch.__version__, **keeper.device.to_document()}
    if plan is not None and plan.is_small:
        notes["dtype"] = FLOAT8  # by which a PNG is made again
    if ranks.count > 1:
        notes["ranks"] = str(ranks.count)
    output_folder = request.output.parent
    document = dict(request.recorded or to_document(moved(job, request.folder, output_folder)))
    steps: dict[int, Path] = {}
    png: GrowingPng | None = None
    latents: Latents | None = None
    try:
        for event in with_oom_retry(
            lambda job: generate(
                job,
                model,
                inputs,
                is_cancelled=is_cancelled,
                preview_every_s=request.preview_every_s,
                ranks=ranks,
            ),
            job,
            keeper.device,
            may_retry=ranks.count == 1,  # the others would not know
        ):
            match event:
                case PhaseBegan():
                    began.append((event.phase, time.monotonic()))
                    yield event
                case ImageRows():
                    if png is None:
                        path = request.output
                        if event.step is not None:
                            folder = path.with_name(f"{path.stem}-steps")
                            path = steps[event.step] = folder / f"{event.step:04d}.png"
                        note = b"" if latents is None else latents_note(latents, keeper.label)
                        png = GrowingPng(path, event.size_px, job=document, run=notes, latents=note)
                    png.add(event.rows)
                    if event.step is None:
                        yield RowsDone(row=png.rows_done, rows=event.size_px[1])
                    if png.is_whole:
                        png = None
                case Warned():
                    warnings = (*warnings, event.problem)
                case OutOfMemoryRetry():
                    log.warning("short of memory: %s", event.reason)
                    message = f"the memory was short, so it took longer: {event.reason}"
                    remedy = "smaller regions, or cpu_vae from the start, avoid the second try"
                    warnings = (*warnings, warning("", "", message, remedy))
                    if png is not None:
                        png.discard()
                        png = None
                case Generated():
                    latents = event.latents.cpu().numpy()
                case _:
                    yield event
        began.append(("writing", time.monotonic()))
        yield PhaseBegan(phase="writing")
        if request.latents is not None and latents is not None and ranks.is_first:
            with atomic_write(request.latents) as file:
                np.savez_compressed(file, latents=latents)
    finally:
        if png is not None:
            png.discard()
    began.append(("", time.monotonic()))
    yield Done(
        output=request.output,
        job=document,
        problems=warnings,
        steps=tuple(steps.values()),
        timings_s=_seconds(began),
        taken_bytes=taken_bytes(keeper.device.torch_device),
    )
