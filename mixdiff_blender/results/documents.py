"""What an entry of the history holds as texts: read as what anybody may have written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..contract import (
    BUNDLED_MODEL,
    EngineError,
    Job,
    JobError,
    Lora,
    Region,
    check,
    digest_of,
    is_file,
    is_there,
    lora_path,
    parse_json,
    path_in,
    read_job,
    to_document,
    with_files,
    with_loras,
    with_models,
    with_unique_names,
)
from ..job.regions.projection import CameraView
from ..properties import HistoryEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What a scene was like when a job was sent; each field may be empty."""

    snapshot: Mapping[str, Any]
    view: CameraView | None
    what: str = ""
    """How the result differs from the one that it is made from."""


_R = TypeVar("_R", bound=Region)


def job_of(entry: HistoryEntry) -> Job:
    """Return the job that made an entry, its regions known by the ids that they had.

    A result of 0.1.0 knows its regions by their names alone, of which tiles have several.

    Raises: EngineError of kind `job` where it is of another version, or none.
    """
    try:
        document = parse_json(entry.job)
    except JobError as error:
        raise EngineError(
            f"the result {entry.name!r} does not say what it was made from",
            kind="job",
            advice="load its picture again (Load Picture), which may hold it",
        ) from error
    job = _job_in(document)
    names = {path: name for path, name in _object_in(entry.places).items() if name == str(name)}
    if not names:
        return job

    def known(path: str, region: _R) -> _R:
        name = names.get(path, region.name)
        return replace(region, id=name, name=name)

    regions = tuple(known(f"regions[{i}]", r) for i, r in enumerate(job.regions))
    rerolls = tuple(known(f"reroll_regions[{i}]", r) for i, r in enumerate(job.reroll_regions))
    return with_unique_names(replace(job, regions=regions, reroll_regions=rerolls))


def own_model(name: str, folder: Path) -> str:
    """Return a model's name with its whole path, where it is a path that starts at a folder."""
    path = path_in(folder, name)
    return str(path.resolve()) if name != BUNDLED_MODEL and is_there(path) else name


def job_in_full(document: object, folder: Path) -> Job:
    """Return a job whose model and LoRAs are whole paths; its own start at a folder.

    Raises: EngineError where it is none.
    """

    def in_full(lora: Lora) -> Lora:
        try:
            path = lora_path(lora, folder)
            return replace(lora, lora=str(path.resolve()), sha256=lora.sha256 or digest_of(path))
        except EngineError:
            return lora

    # The engine writes models as seen from the picture.
    found = with_models(_job_in(document), lambda name: own_model(name, folder))
    return with_loras(found, in_full)


def is_made_of(job: Job, file: Path) -> bool:
    """Return whether a picture is there that just this job made, its seeds drawn."""
    return job_of_file(file) == job_in_full(to_document(job), file.parent)


def job_of_file(file: Path) -> Job | None:
    """Return the job that a picture holds, in full; None where there is no picture, or no job."""
    try:
        return job_in_full(read_job(file), file.parent) if is_file(file) else None
    except EngineError:
        return None


def is_picture_of_ours(file: Path) -> bool:
    """Return whether a file is a picture that holds the job that made it."""
    try:
        _job_in(read_job(file))
    except EngineError:
        return False
    return True


def is_made_by(entry: HistoryEntry, file: Path) -> bool:
    """Return whether a file is the picture that an entry's job made: it holds the same job.

    A .blend may name any file. Where pictures lie is no matter: they may have been moved.
    """

    def what_it_makes(document: object) -> Job:
        found = replace(with_files(_job_in(document), lambda _: "-"), model=None)
        return with_loras(found, lambda lora: replace(lora, lora="-"))

    try:
        return is_file(file) and what_it_makes(read_job(file)) == what_it_makes(
            parse_json(entry.job)
        )
    except EngineError:
        return False


def context_of(entry: HistoryEntry) -> JobContext:
    """Return what the scene was like when an entry was made."""
    return JobContext(snapshot=settings_of(entry), view=view_of_entry(entry))


def settings_of(entry: HistoryEntry) -> dict[str, Any]:
    """Return the settings that an entry was made with, empty where they are not known."""
    return _object_in(entry.settings)


def view_of_entry(entry: HistoryEntry) -> CameraView | None:
    """Return what the camera saw when an entry was made, where that is known."""
    return view_of_text(entry.view)


def wrap_of_entry(entry: HistoryEntry) -> str:
    """Return which ways an entry's picture repeats, as a job has it."""
    try:
        return job_of(entry).wrap
    except EngineError:
        return "none"


def view_of_text(text: str) -> CameraView | None:
    """Return what the camera saw as `text_of_view` keeps it, where that is known."""
    values = _object_in(text)
    try:
        numbers = {f.name: float(values[f.name]) for f in fields(CameraView) if f.type == "float"}
        matrix = np.array(values["world_to_camera"], dtype=np.float64).reshape(4, 4)
        view = CameraView(
            **numbers,
            world_to_camera=matrix,
            is_perspective=bool(values["is_perspective"]),
            is_panorama=bool(values.get("is_panorama")),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # of another version of the add-on
    is_real = np.isfinite([*numbers.values(), *matrix.flat]).all() and np.linalg.det(matrix)
    return view if is_real and view.left < view.right and view.bottom < view.top else None


def text_of_view(view: CameraView | None) -> str:
    """Return what an entry keeps of what the camera saw."""
    if view is None:
        return ""
    return json.dumps({**asdict(view), "world_to_camera": view.world_to_camera.tolist()})


def _job_in(document: object) -> Job:
    return check(document, folder=None).job_or_raise()


def _object_in(text: str) -> dict[str, Any]:
    """Return what a text holds by names, nothing where it is no such text."""
    try:
        value = parse_json(text) if text else {}
    except JobError:
        return {}
    return value if isinstance(value, dict) else {}
