"""The model that was used last, kept for the next job, with what jobs add to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from engine.contract.adapter_files import adapter_path
from engine.contract.controlnets import controlnet_path
from engine.contract.files import is_there
from engine.contract.fitting import memory_plan
from engine.contract.job import Job
from engine.contract.memory import Machine, MemoryPlan, Work
from engine.contract.models import ModelFacts, facts_of
from engine.families.adapters import Adapter, PictureEye, load_adapter
from engine.families.base import Model
from engine.families.control_loading import load_controlnet
from engine.families.loading import import_classes, load_model, resolve
from engine.process.imports import collect_all, for_good
from engine.runtime.devices import Device, give_memory_back, machine_of
from engine.sampling.controls import Nets, controls_that_hold
from engine.sampling.following import Adapters, adapter_names


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

    def import_classes(self, facts: ModelFacts) -> None:
        """Import what a model is made of, so that loading it is reading alone."""
        with for_good():
            import_classes(facts.family)

    def preload(self, folder: Path, name: str | None = None) -> str:
        """Load a model for a square picture of its own size; return what its memory is planned as.

        Raises: EngineError of kind `model` or `memory`.
        """
        work = Work.of_square(facts_of(name or self.default_model, folder).family.native_px)
        plan = self.plan(name, folder, work)
        self.model(name, folder, work, plan)
        return "" if plan is None else plan.text

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
        self._controlnets, self._adapters = {}, {}
        self._model = self._resolved = self._plan = self._work = None
        collect_all()  # a model and its denoiser know each other
        give_memory_back(self.device.torch_device)


def _is_alike(one: MemoryPlan | None, other: MemoryPlan | None) -> bool:
    """Return whether two plans have the parts of a model in the same places."""
    if one is None or other is None:
        return one is other
    places = ((p.network, p.encoders, p.is_small) for p in (one, other))
    return next(places) == next(places)
