"""LoRAs in a loaded model: taken up and given back without loading it anew, switched between calls.

Each LoRA is an adapter beside the layers that it changes (PEFT's), whose own weights stay as they
are: what is switched off leaves no trace.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.contract.errors import ModelError, first_line
from engine.contract.lora import Lora
from engine.contract.lora_files import LoraFiles, digest_of
from engine.runtime.devices import is_oom

log = logging.getLogger(__name__)

LoraSet = tuple[tuple[str, float], ...]
"""Adapters by their names, each with its weight; in order of names, none of weight 0."""

NO_LORAS: LoraSet = ()

_ONE_LAYER = re.compile(r"(?:lora_A|lora\w*\.down|lokr_w1(?:_a)?)(?:\.weight)?$")
_OF_TEXTS = re.compile(r"^(text_encoder.*)\.to_(q|k|v|out)_lora\.")
_NAME_DIGITS = 16
_ANOTHER = "choose a LoRA that was trained on a model of the same kind and size"


@dataclass(frozen=True, slots=True)
class Fit:
    """How many layers of a LoRA there are, and how many of them found theirs in the model."""

    layers: int
    found: int


class Loras:
    """The LoRAs of one loaded model."""

    def __init__(self, pipeline: Any, network: str) -> None:
        """`network` is the name of the part that removes the noise; all others encode texts."""
        self._pipeline = pipeline
        self._network = network
        self._adapters: dict[str, str] = {}
        self._held: dict[str, Fit] = {}
        self._layers: dict[str, list[Any]] = {}
        self._weights: dict[str, float] = {}
        self._active: list[str] = []
        self._in_encoders: frozenset[str] = frozenset()
        self._is_wrapped = False
        self._used = NO_LORAS

    def hold(self, files: LoraFiles) -> None:
        """Hold exactly the LoRAs of these files, which jobs name so; none is used yet.

        Those that are held already are not loaded again.

        Raises: ModelError for a file that does not fit; those before it are held.
        """
        self._adapters = {name: _adapter(path) for name, path in files.items()}
        wanted = {self._adapters[name]: path for name, path in files.items()}
        if wanted.keys() != self._held.keys():
            try:
                # Outside of inference mode: its tensors could be used nowhere else.
                with torch.inference_mode(mode=False), torch.no_grad():
                    self._exchange(wanted)
            finally:
                self._look()
        self._switch(NO_LORAS)

    def set_of(self, loras: Iterable[Lora]) -> LoraSet:
        """Return the set of LoRAs that are held; the weights of one that is named twice add up."""
        weights: dict[str, list[float]] = {}
        for one in loras:
            weights.setdefault(self._adapters[one.lora], []).append(one.weight)
        summed = ((adapter, math.fsum(parts)) for adapter, parts in weights.items())
        return tuple(sorted((adapter, weight) for adapter, weight in summed if weight != 0))

    def fit(self, name: str) -> Fit:
        """Return how a LoRA that is held, by its name in the job, fits the model."""
        return self._held[self._adapters[name]]

    def _exchange(self, files: Mapping[str, Path]) -> None:
        self._switch(NO_LORAS)
        for name in self._held.keys() - files.keys():
            self._drop(name)
        try:
            for name in sorted(files.keys() - self._held.keys()):
                self._held[name] = self._load(name, files[name])
        finally:
            if not self._held:
                self._unwrap()

    def use(self, wanted: LoraSet) -> None:
        """Have the model's next calls see these LoRAs, which are held, and no others."""
        if wanted != self._used:
            self._switch(wanted)

    def heard(self, wanted: LoraSet) -> LoraSet:
        """Return those LoRAs of a set that change what texts become."""
        return tuple(one for one in wanted if one[0] in self._in_encoders)

    def _switch(self, wanted: LoraSet) -> None:
        for name, weight in wanted:
            if self._weights.get(name) != weight:
                for layer in self._layers[name]:
                    layer.set_scale(name, weight)
                self._weights[name] = weight
        self._active[:] = [name for name, _ in wanted]
        self._used = wanted

    def _parts(self) -> Iterator[tuple[str, nn.Module]]:
        for name in getattr(self._pipeline, "_lora_loadable_modules", ()):
            part = getattr(self._pipeline, name, None)
            if isinstance(part, nn.Module):
                yield name, part

    def _look(self) -> None:
        """Note the layers of each LoRA, and which have a say in texts; none is used.

        All layers get one and the same list of what is active: so a switch is one change.
        """
        self._active, self._used = [], NO_LORAS
        self._layers, self._weights = {}, {}
        in_encoders = set()
        for part, layer in self._tuned():
            layer.set_adapter(self._active, inference_mode=True)
            for name in layer.scaling:
                self._layers.setdefault(name, []).append(layer)
                if part != self._network:
                    in_encoders.add(name)
        self._in_encoders = frozenset(in_encoders)

    def _tuned(self) -> Iterator[tuple[str, Any]]:
        if not self._is_wrapped:
            return
        from peft.tuners.tuners_utils import BaseTunerLayer  # only where a LoRA is

        for name, part in self._parts():
            for module in part.modules():
                if isinstance(module, BaseTunerLayer):
                    yield name, module

    def _load(self, name: str, path: Path) -> Fit:
        self._is_wrapped = True
        try:
            with _converted(self._pipeline) as converted, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there are adapters already
                self._pipeline.load_lora_weights(
                    str(path), adapter_name=name, use_safetensors=True, local_files_only=True
                )
        except Exception as error:
            self._drop(name)
            if is_oom(error):
                raise
            log.info("%s does not fit: %s", path, error)
            message = f"{path.name} does not fit the model: {first_line(error)}"
            raise ModelError(message, _ANOTHER) from error
        layers = sum(1 for key in converted if _ONE_LAYER.search(key))
        found = sum(1 for _, layer in self._tuned() if name in layer.scaling)
        if not found:
            self._drop(name)
            raise ModelError(f"{path.name} fits nothing in the model", _ANOTHER)
        return Fit(layers=layers, found=found)

    def _drop(self, name: str) -> None:
        for _, part in self._parts():
            if name in getattr(part, "peft_config", {}):
                self._pipeline.delete_adapters(name)
                break
        self._held.pop(name, None)

    def _unwrap(self) -> None:
        """Take the adapters' layers out: the model is as it was loaded."""
        if self._is_wrapped:
            self._pipeline.unload_lora_weights()
            self._is_wrapped = False


def _mended(entries: dict[str, Any]) -> dict[str, Any]:
    """Return entries by names of layers that diffusers finds in text encoders too.

    diffusers 0.42.1 loses an encoder's q, k and v of kohya's layout where `out_proj` is not with
    them.
    """
    return {
        _OF_TEXTS.sub(r"\1.\2_proj.lora_linear_layer.", name): one for name, one in entries.items()
    }


def _adapter(path: Path) -> str:
    """Return what a LoRA is held by: its content, whatever its file is called."""
    return f"lora_{digest_of(path)[:_NAME_DIGITS]}"


@contextmanager
def _converted(pipeline: Any) -> Iterator[list[str]]:
    """Yield the list that gets the names of a LoRA's tensors as diffusers writes them."""
    names: list[str] = []
    convert = pipeline.lora_state_dict

    def noting(*arguments: Any, **named: Any) -> Any:
        converted, *others = convert(*arguments, **named)
        mended = [_mended(one) if isinstance(one, dict) else one for one in (converted, *others)]
        names.extend(mended[0])
        return tuple(mended)

    pipeline.lora_state_dict = noting
    try:
        yield names
    finally:
        del pipeline.lora_state_dict
