"""What is known of a model before it is loaded: its family, and what suits it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .catalogue import (
    NOTE,
    KnownModel,
    cache_folder,
    is_hub_id,
    known_model,
    local_snapshot,
    located,
    newest_index,
)
from .cuts import SHIFTING, TRIMMED
from .errors import ModelError, Problem, shown
from .families import DEFAULT_FAMILY, FAMILIES, Family
from .files import is_dir, is_there, path_in
from .foreign_models import family_of_shapes, foreign_file
from .job import BUNDLED_MODEL, DiffusionRegion, Job, Text2ImageRegion
from .known_names import holds_name, read_names
from .model_folders import (
    INDEX,
    family_of_folder,
    network_width,
    read_object,
    require_config,
    require_folder,
    require_pipeline,
)
from .networks import network_of, require_rest, rest_of
from .weights import WEIGHTS, read_shapes, require_weights_name

_NOTED = {
    "native_px": "native_size_px",
    "largest_px": "largest_size_px",
    "num_inference_steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
}
_MOST_NATIVE_PX = 8192
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
    width: int = 0
    """How wide its network is (`network_width`); 0 where it does not say."""
    knows: tuple[str, ...] = ()
    """What it paints, by the names that it was trained with; empty where it does not say."""
    is_known: bool = True
    """Whether anything is; of a model that is not here it may be a guess."""
    looks: tuple[str, ...] = ()
    """The words that it knows for how things look."""
    patterns: tuple[str, ...] = ()
    """What it begins anew at the corner of each window, by name: windows of it lie still."""

    def in_windows(self, job: Job, windows: str) -> Job:
        """Return a job generated in windows of a kind; those of patterns never shift.

        Regions that have windows of their own keep them.
        """

        def settled(region: DiffusionRegion) -> DiffusionRegion:
            if not isinstance(region, Text2ImageRegion) or region.windows is not None:
                return region
            is_pattern = windows == SHIFTING and holds_name(region.prompt, self.patterns)
            return replace(region, windows=TRIMMED) if is_pattern else region

        return replace(job, windows=windows, regions=tuple(map(settled, job.regions)))

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
            width=known.width or FAMILIES[known.family].width,
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

    @classmethod
    def of_file(cls, path: Path) -> ModelFacts:
        """Return what suits a model in a single file."""
        try:
            shapes = read_shapes(path)
        except ModelError:
            shapes = {}
        family = family_of_shapes(shapes) or DEFAULT_FAMILY
        width = next((s[-1] for n, s in shapes.items() if n.endswith("attn2.to_k.weight")), 0)
        return replace(cls.of_family(family), width=width)


_UNKNOWN = replace(ModelFacts.of_family(DEFAULT_FAMILY), is_known=False)


def facts_of(model: str | None, folder: Path | None = None) -> ModelFacts:
    """Return what is known of a job's model; what cannot be found out is the default family's.

    `folder` is where a relative path starts.
    """
    match located(model, folder):
        case KnownModel() as known:
            return ModelFacts.of_known(known)
        case Path() as path:
            return _of_folder(path) if is_dir(path) else _of_file(path)
    return _UNKNOWN


def require_model(name: str, folder: Path) -> None:
    """See that a model is on this computer, of a kind that runs, and whole; no tensor is read.

    `folder` is where a relative path starts.

    Raises: ModelError.
    """
    name = name.strip()
    if _is_here(name, folder):
        return
    if is_hub_id(name):
        command = f"`python -m engine download {name}`"
        raise ModelError(
            f"{name} is not on this computer",
            f"download it first: the button beside the model, or {command}",
        )
    if "://" in name:
        raise ModelError(
            f"{name!r} is an address, and nothing is fetched from one",
            "download the file yourself and give its path, or give a hub id such as owner/name",
        )
    raise ModelError(
        f"there is no folder or file {name!r} in {folder}",
        f"give a folder in diffusers' format, a {WEIGHTS} file, a hub id such as owner/name, "
        f"or {BUNDLED_MODEL!r}",
    )


def model_problems(name: str | None, folder: Path, *, absent: bool = True) -> tuple[Problem, ...]:
    """Return what is wrong with the model that a job names, as `require_model` finds it.

    `absent` counts one that is not on this computer as wrong.
    """
    name = (name or BUNDLED_MODEL).strip()
    try:
        if absent:
            require_model(name, folder)
        else:
            _is_here(name, folder)
    except ModelError as error:
        message = error.message.removeprefix("model: ")
        return (Problem("model", shown(name), message, error.advice),)
    return ()


def _is_here(name: str, folder: Path) -> bool:
    """Return whether a model is on this computer.

    Raises: ModelError where it is, and is none that runs.
    """
    path = path_in(folder, name)
    if is_dir(path):
        require_folder(path)
    elif is_there(path):
        _require_file(path)
    elif is_hub_id(name):
        return _is_cached(name)
    else:
        return name == BUNDLED_MODEL
    return True


def _require_file(path: Path) -> None:
    require_weights_name(path)
    shapes = read_shapes(path)
    family = family_of_shapes(shapes)
    if family is None and (network := network_of(shapes)):
        require_rest(path, network)
        return
    if foreign := foreign_file(shapes, family):
        raise ModelError(f"{path} is {foreign.title}", foreign.remedy)
    if config := config_beside(path):
        require_config(config, len(shapes))


def config_beside(path: Path) -> Path | None:
    """Return the folder that says of a single file what its model's parts are like, if any."""
    beside = path.with_suffix("")
    return beside if is_there(beside / INDEX) else None


def _is_cached(id_: str) -> bool:
    cache = cache_folder(os.environ)
    snapshot = local_snapshot(id_, cache)
    if snapshot:
        require_folder(snapshot)
    elif begun := newest_index(id_, cache):
        require_pipeline(begun, id_)
    return snapshot is not None


def _of_file(path: Path) -> ModelFacts:
    """Return what is known of a single file; of a network alone as of the rest of its model."""
    try:
        shapes = read_shapes(path)
    except ModelError:
        return _UNKNOWN
    family = family_of_shapes(shapes)
    network = None if family else network_of(shapes)
    if network is None:
        return ModelFacts.of_family(family) if family else _UNKNOWN
    rest = rest_of(path, network)
    if rest is None:
        return ModelFacts.of_family(network.families[0])
    known, few = known_model(rest.id), rest.family.few_steps
    facts = ModelFacts.of_known(known) if known else _of_folder(rest.folder)
    if few is None or few.key not in network.changes:
        return facts
    is_few = network.changes[few.key] == few.value
    suits = few if is_few else rest.family
    return replace(
        facts,
        num_inference_steps=suits.num_inference_steps,
        guidance_scale=suits.guidance_scale,
    )


def _of_folder(folder: Path) -> ModelFacts:
    family = family_of_folder(folder) or DEFAULT_FAMILY
    facts = ModelFacts.of_family(family, _own_px(folder, family))
    few = family.few_steps
    if few and read_object(folder / few.file).get(few.key) == few.value:
        facts = replace(
            facts,
            num_inference_steps=few.num_inference_steps,
            guidance_scale=few.guidance_scale,
        )
    note = read_object(folder / NOTE)
    numbers: dict[str, Any] = {}
    for name, key in _NOTED.items():
        value = note.get(key)
        if isinstance(value, int | float) and 0 < value <= _MOST_NATIVE_PX:
            numbers[name] = type(getattr(facts, name))(value)
    scheduler = note.get("scheduler")
    is_known = isinstance(scheduler, str) and scheduler in family.schedulers
    network = read_object(folder / family.network / "config.json")
    return replace(
        facts,
        scheduler=scheduler if is_known else None,
        width=network_width(network),
        knows=read_names(note.get("knows")),
        looks=read_names(note.get("looks")),
        patterns=read_names(note.get("patterns")),
        **numbers,
    )


def _own_px(folder: Path, family: Family) -> int:
    """Return the side that a model says it was trained on, 0 where it says none."""
    if family.size_config is None:
        return 0
    file, key = family.size_config
    cells = read_object(folder / file).get(key)
    own_px = cells * family.stride_px if isinstance(cells, int) else 0
    return own_px if _LEAST_NATIVE_PX <= own_px <= _MOST_NATIVE_PX else 0
