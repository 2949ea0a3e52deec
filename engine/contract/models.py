"""What is known of a model before it is loaded: its family, and what suits it."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .catalogue import (
    BUNDLED_FOLDER,
    INDEX,
    NOTE,
    KnownModel,
    cache_folder,
    family_of_folder,
    is_hub_id,
    known_model,
    local_snapshot,
    read_object,
)
from .errors import ModelError
from .families import DEFAULT_FAMILY, FAMILIES, Family
from .files import is_dir, is_file, path_in
from .job import BUNDLED_MODEL
from .known_names import read_names

WEIGHTS = ".safetensors"
_MAX_HEADER_BYTES = 2**27
_NOTED = {
    "native_px": "native_size_px",
    "largest_px": "largest_size_px",
    "num_inference_steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
}
_LEAST_NATIVE_PX = 256  # no model that people use was trained on less; some small ones say so


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What suits a model: its family's values, or its own where it has a say."""

    family: Family
    native_px: int
    """The side of the pictures that it was trained on."""
    largest_px: int
    """The longest side of a region that it generates well in one piece."""
    num_inference_steps: int
    guidance_scale: float
    scheduler: str | None = None
    knows: tuple[str, ...] = ()
    """What it paints, by the names that it was trained with; empty where it does not say."""
    looks: tuple[str, ...] = ()
    """The words that it knows for how things look."""

    @property
    def grid_px(self) -> int:
        """The canvas, and the sides of regions, are multiples of this."""
        return self.family.grid_px

    @classmethod
    def of_known(cls, known: KnownModel) -> ModelFacts:
        """Return what suits a model of the catalogue."""
        return replace(
            cls.of_family(FAMILIES[known.family], known.native_px),
            num_inference_steps=known.num_inference_steps,
            guidance_scale=known.guidance_scale,
            scheduler=known.scheduler,
        )

    @classmethod
    def of_family(cls, family: Family, native_px: int = 0) -> ModelFacts:
        """Return what suits most models of a family."""
        native_px = native_px or family.native_px
        return cls(
            family=family,
            native_px=native_px,
            largest_px=native_px,
            num_inference_steps=family.num_inference_steps,
            guidance_scale=family.guidance_scale,
        )


def facts_of(model: str | None, folder: Path | None = None) -> ModelFacts:
    """Return what is known of a job's model; what cannot be found out is the default family's.

    `folder` is where a relative path starts.
    """
    name = (model or BUNDLED_MODEL).strip()
    if name in ("", BUNDLED_MODEL):
        return _of_folder(BUNDLED_FOLDER)
    path = path_in(folder or Path(), name)
    if is_dir(path):
        return _of_folder(path)
    if is_file(path):
        return ModelFacts.of_family(family_of_file(path) or DEFAULT_FAMILY)
    if is_hub_id(name):
        if known := known_model(name):
            return ModelFacts.of_known(known)
        if snapshot := local_snapshot(name, cache_folder(os.environ)):
            return _of_folder(snapshot)
    return ModelFacts.of_family(DEFAULT_FAMILY)


def require_model(name: str, folder: Path) -> None:
    """See that a model is on this computer, as a relative path or a name from the hub.

    Raises: ModelError.
    """
    path = path_in(folder, name)
    if is_file(path):
        if path.suffix.lower() != WEIGHTS:
            raise ModelError(
                f"{path.name} is not a {WEIGHTS} file",
                "pickled checkpoints can run code and are never loaded; convert it first",
            )
    elif is_dir(path):
        if not is_file(path / INDEX):
            advice = "give the top folder of a model in diffusers' format"
            raise ModelError(f"{path} holds no {INDEX}", advice)
    elif is_hub_id(name):
        if local_snapshot(name, cache_folder(os.environ)) is None:
            raise ModelError(
                f"{name} is not on this computer",
                "download it first: the button beside the model, or "
                f"`python -m engine download {name}`",
            )
    elif "://" in name:
        raise ModelError(
            f"{name!r} is an address, and nothing is fetched from one",
            "download the file yourself and give its path, or give a hub id such as owner/name",
        )
    elif name != BUNDLED_MODEL:
        raise ModelError(
            f"there is no folder or file {name!r} in {folder}",
            f"give a folder in diffusers' format, a {WEIGHTS} file, a hub id such as owner/name, "
            f"or {BUNDLED_MODEL!r}",
        )


def family_of_file(path: Path) -> Family | None:
    """Return the family of a single file of weights by the names of its tensors."""
    names = tensor_names(path)
    known = FAMILIES.values()
    return next((f for f in known if any(name.startswith(f.signs) for name in names)), None)


def tensor_names(path: Path) -> frozenset[str]:
    """Return the names of a safetensors file's tensors, none where it is no such file.

    Source: https://github.com/huggingface/safetensors, the format of the header.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length <= _MAX_HEADER_BYTES else {}
    except (OSError, struct.error, ValueError, RecursionError):
        return frozenset()
    return frozenset(header) - {"__metadata__"} if isinstance(header, dict) else frozenset()


def _of_folder(folder: Path) -> ModelFacts:
    family = family_of_folder(folder) or DEFAULT_FAMILY
    file, key = family.size_config
    cells = read_object(folder / file).get(key)
    own_px = cells * family.stride_px if isinstance(cells, int) else 0
    facts = ModelFacts.of_family(family, own_px if own_px >= _LEAST_NATIVE_PX else 0)
    note = read_object(folder / NOTE)
    said = {name: note.get(key) for name, key in _NOTED.items()}
    numbers: dict[str, Any] = {
        name: value for name, value in said.items() if isinstance(value, int | float) and value > 0
    }
    scheduler = note.get("scheduler")
    is_known = isinstance(scheduler, str) and scheduler in family.schedulers
    return replace(
        facts,
        scheduler=scheduler if is_known else None,
        knows=read_names(note.get("knows")),
        looks=read_names(note.get("looks")),
        **numbers,
    )
