"""One run on files: read the job and its pictures, keep the model, write the results."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import SystemRandom
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine import __version__
from engine.contract.adapters import adapter_path
from engine.contract.beside import work_of
from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.controlnets import controlnet_path
from engine.contract.devices import FLOAT8
from engine.contract.errors import Problem, shown, warning
from engine.contract.files import atomic_write, is_there, path_in
from engine.contract.fitting import memory_plan
from engine.contract.job import Job, to_document
from engine.contract.limits import Limits
from engine.contract.loras import identified, lora_files
from engine.contract.memory import Machine, MemoryPlan, Work
from engine.contract.models import ModelFacts, facts_of
from engine.families.adapters import Adapter, PictureEye, load_adapter
from engine.families.base import Model
from engine.families.control_loading import load_controlnet
from engine.families.loading import load_model, resolve
from engine.runtime.devices import Device, give_memory_back, machine_of, taken_bytes
from engine.runtime.references import picture_bytes, reference_bytes
from engine.sampling.controls import (
    ControlInputs,
    Nets,
    controls_that_hold,
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
    Adapters,
    ReferenceInputs,
    adapter_names,
    require_adapters,
    with_named_adapters,
)
from engine.sampling.generate import generate
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


@dataclass(slots=True, kw_only=True)
class ModelKeeper:
    """Keeps the model that was used last, so that the next job finds it loaded."""

    device: Device
    default_model: str | None = None
    _resolved: str | None = None
    _model: Model | None = None
    _controlnets: dict[str, Any] = field(default_factory=dict)
    _adapters: dict[str, Adapter] = field(default_factory=dict)
    _eyes: WeakValueDictionary[Path, PictureEye] = field(default_factory=WeakValueDictionary)
    _plan: MemoryPlan | None = None
    _work: Work | None = None
    _machine: Machine | None = None
    """As it was measured before a model was loaded."""

    def plan(self, name: str | None, folder: Path, work: Work) -> MemoryPlan | None:
        """Return where a model will be, or is, for some work; None where nothing is known of it.

        Raises: EngineError of kind `model` where it is not here, of kind `memory` where it fits in
        no way.
        """
        resolved = resolve(name or self.default_model, folder)
        if self._is_loaded(resolved, work):
            return self._plan
        if resolved != self._resolved:
            self.unload()  # first, so that two models never share the memory
        if self._model is None or self._machine is None:
            self._machine = machine_of(self.device)
        named, is_small = name or self.default_model, self.device.is_small
        return memory_plan(named, folder, work, self._machine, is_small=is_small)

    def model(
        self, name: str | None, folder: Path, work: Work, plan: MemoryPlan | None = None
    ) -> Model:
        """Return a model, loaded unless it already is, with room for some work.

        Raises: EngineError of kind `model` or `memory`.
        """
        resolved = resolve(name or self.default_model, folder)
        if self._model is None or not self._is_loaded(resolved, work):
            is_placed = resolved == self._resolved and _is_alike(plan, self._plan)
            if self._model is None or not is_placed:
                self.unload()
                self._model = load_model(resolved, self.device, plan)
            self._resolved, self._plan, self._work = resolved, plan, work
        return self._model

    def controlnets(self, job: Job, folder: Path) -> Nets:
        """Return the ControlNets that a job names by their names, those loaded that are not yet.

        Raises: EngineError of kind `model`.
        """
        assert self._model is not None, "the model was asked for"
        names = sorted({str(control.model) for control in controls_that_hold(job)})
        paths = {name: str(controlnet_path(name, folder)) for name in names}
        # First, so that what is not wanted any more is in nobody's way.
        self._controlnets = {
            path: net for path, net in self._controlnets.items() if path in paths.values()
        }
        for name, path in paths.items():
            if path not in self._controlnets:
                self._controlnets[path] = load_controlnet(name, folder, self._model)
        return {name: self._controlnets[path] for name, path in paths.items()}

    def adapters(self, job: Job, folder: Path) -> Adapters:
        """Return the IP-Adapters that a job names by their names, those loaded that are not yet.

        Raises: EngineError of kind `model`, or `memory`.
        """
        assert self._model is not None, "the model was asked for"
        paths = {name: str(adapter_path(name, folder)) for name in adapter_names(job)}
        self._adapters = {p: one for p, one in self._adapters.items() if p in paths.values()}
        for name, path in paths.items():
            if path not in self._adapters:
                self._adapters[path] = load_adapter(name, folder, self._model, self._eyes)
        return {name: self._adapters[path] for name, path in paths.items()}

    def _is_loaded(self, resolved: str, work: Work) -> bool:
        """Return whether a model is there, placed for no less work."""
        is_there = self._model is not None and resolved == self._resolved
        return is_there and self._work is not None and work.is_within(self._work)

    @property
    def label(self) -> str:
        """The name of the model that is loaded, wherever it lies: what latents are known by."""
        named = self._resolved or ""
        return Path(named).name if is_there(Path(named)) else named

    def facts(self, document: object, folder: Path) -> ModelFacts:
        """Return what is known of the model that a job's document names, before it is loaded."""
        named = document.get("model") if isinstance(document, Mapping) else None
        return facts_of(named if isinstance(named, str) else self.default_model, folder)

    def unload(self) -> None:
        """Give the model's memory back."""
        self._model = self._resolved = None
        self._controlnets, self._adapters = {}, {}
        self._model = self._resolved = self._plan = self._work = None
        gc.collect()  # a model and its denoiser know each other
        give_memory_back(self.device.torch_device)


def _is_alike(one: MemoryPlan | None, other: MemoryPlan | None) -> bool:
    """Return whether two plans have the parts of a model in the same places."""
    if one is None or other is None:
        return one is other
    places = ((p.network, p.encoders, p.is_small) for p in (one, other))
    return next(places) == next(places)


def _seconds(began: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return how long each phase took, from when each began."""
    seconds: dict[str, float] = {}
    for (phase, start), (_, end) in pairwise(began):
        seconds[phase] = round(seconds.get(phase, 0.0) + end - start, 4)
    return seconds


def _as_tensors(pictures: Mapping[str, npt.NDArray[np.uint8]]) -> dict[str, Tensor]:
    """Return pictures (H, W, 3) as (1, 3, H, W)."""
    return {name: torch.from_numpy(p).permute(2, 0, 1)[None] for name, p in pictures.items()}


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
    work = work_of(job, facts, request.folder)
    plan = keeper.plan(job.model, request.folder, work)
    if plan is not None:
        log.info("memory: %s", plan.text)
        yield MemoryPlanned(text=plan.text)
    model = keeper.model(job.model, request.folder, work, plan)
    references = {
        region.reference_image: reference_bytes(
            open_image(path_in(request.folder, region.reference_image), limits)
        )
        for region in job.image_regions
    }
    controls = ControlInputs(
        pictures=_as_tensors(open_controls(job, request.folder, limits)),
        nets=keeper.controlnets(job, request.folder),
    )
    followed = ReferenceInputs(
        pictures=_as_tensors(open_references(job, request.folder, limits)),
        adapters=keeper.adapters(job, request.folder),
    )
    masks = open_masks(job, request.folder, limits)
    colours = None if job.noise_map is None else open_colours(job, request.folder, limits)
    earlier = None
    if job.kept is not None:
        earlier = open_kept(job.kept, request.folder, limits, made_with=keeper.label)
    first = None
    if job.second_pass is not None:
        first = picture_bytes(open_image(path_in(request.folder, job.second_pass.picture), limits))
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
                references=references,
                masks=masks,
                loras=loras,
                earlier=earlier,
                first=first,
                colours=colours,
                controls=controls,
                followed=followed,
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
