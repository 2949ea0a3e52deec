"""What happens to results when their .blend is saved or opened, or when undo goes back."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..contract import (
    EngineError,
    Job,
    copy_with_job,
    files_of,
    is_file,
    is_there,
    path_in,
    to_document,
    with_files,
    with_models,
)
from ..properties import HistoryEntry, canvas_settings
from ..properties import history as history_properties
from ..storage import folders
from . import history
from .depth_sequence import DEPTHS
from .documents import is_made_by, job_of
from .image import file_of
from .sequence import extent_of
from .shot_record import ShotRecord, record_of
from .sources import FOLDER_NAME as SOURCES
from .sources import keep_beside

# Where pictures were brought in the save that is under way.
_moved: dict[Path, Path] = {}


def _before_saving(target: Any, *_: Any) -> None:
    """Bring the pictures of a file that was never saved beside it, and keep paths relative."""
    _moved.clear()
    if not isinstance(target, str) or not target:
        return  # the startup file
    for scene in bpy.data.scenes:
        here = folders.results_folder(scene, target)
        for entry in _entries(scene):
            if target == bpy.data.filepath and entry.file.startswith("//"):
                continue
            goal = file = history.path_of(entry)
            shot = record_of(entry)
            if shot is not None and folders.is_unsaved(file):
                goal = _moved.get(file) or _imported_shot(shot, file, here, Path(target).stem)
            elif folders.is_unsaved(file) and is_made_by(entry, file):
                goal = _moved.get(file) or _imported(file, entry, here, Path(target).stem)
                _moved[file] = goal
            _relocate(entry, file, goal, target)
        history.note_moves(scene, target)
    for image in _images_of_results():
        shown = file_of(image)
        if shown is not None and shown in _moved:
            image.filepath_raw = history.relative(_moved[shown], target)


def _after_saving(target: Any, *_: Any) -> None:
    """Go on with the open file where that is still another one: after a copy, or a failure."""
    if not isinstance(target, str) or not target or target == bpy.data.filepath:
        return
    back = {new: old for old, new in _moved.items()}
    for scene in bpy.data.scenes:
        for entry in _entries(scene):
            file = history.path_of(entry, target)
            is_ours = bool(entry.shot) or is_made_by(entry, file)
            goal = back.get(file, file) if is_ours else file
            _relocate(entry, file, goal, bpy.data.filepath)
        history.note_moves(scene, bpy.data.filepath)
    for image in _images_of_results():
        start = str(Path(target).parent)
        shown = Path(bpy.path.abspath(image.filepath_raw, start=start))
        if shown in back:
            image.filepath_raw = str(back[shown])


def _relocate(entry: HistoryEntry, was: Path, file: Path, blend: str) -> None:
    """Have an entry name a file as its .blend does, and its job the pictures as the file does."""
    if file != was:
        entry.job = json.dumps(_document_at(entry, was, file), ensure_ascii=False)
    entry.file, entry.name = history.relative(file, blend), history.name_of(file, entry.shot)


def _document_at(entry: HistoryEntry, was: Path, file: Path) -> dict[str, Any]:
    return to_document(_moved_job(job_of(entry), was.parent, file.parent))


def _moved_job(job: Job, old_folder: Path, new_folder: Path) -> Job:
    """Return a job with its relative paths seen from another folder.

    What lies below the old folder is taken to come along.
    """

    def seen_from_there(name: str) -> str:
        if Path(name).is_absolute():
            return name
        target = Path(os.path.normpath(path_in(old_folder, name)))
        if target.is_relative_to(old_folder) or not is_there(target):
            return name
        try:
            return Path(os.path.relpath(target, new_folder)).as_posix()
        except ValueError:  # another drive of Windows
            return str(target)

    return with_models(with_files(job, seen_from_there), seen_from_there)


def _images_of_results() -> list[bpy.types.Image]:
    """Return the images whose files may wait for a .blend: packed ones, and shots."""
    own = [image for image in bpy.data.images if not image.library]
    return [image for image in own if image.packed_file or extent_of(image)]


def _imported_shot(shot: ShotRecord, first: Path, folder: Path, stem: str) -> Path:
    """Copy a shot to a new folder in a folder, and return where its first frame is then.

    It stays where it is if it cannot be copied.
    """
    try:
        goal = folders.reserve_folder(folder, stem)
    except EngineError:
        return first
    own = [path for path in (shot.folder / SOURCES).glob("*") if is_file(path)]
    pictures = [path for path in own if folders.leads_into(shot.folder, path)]
    found = [path for path in shot.folder.glob(DEPTHS) if is_file(path)]
    depths = [path for path in found if folders.leads_into(shot.folder, path)]
    try:
        keep_beside([*shot.files, *pictures, *depths], shot.folder, goal)
        replace(shot, folder=goal).write()
    except EngineError:
        return first
    brought = (*shot.files, first, *depths)
    _moved.update({file: goal / file.relative_to(shot.folder) for file in brought})
    return goal / first.name


def _imported(file: Path, entry: HistoryEntry, folder: Path, stem: str) -> Path:
    """Copy a picture to a new name in a folder, with what it was generated from.

    It stays where it is if it cannot be copied: it is packed too.
    """
    try:
        goal = folders.reserve(folder, stem)
    except EngineError:
        return file
    try:
        copy_with_job(file, goal, _document_at(entry, file, goal))
        keep_beside(_sources(file, entry), file.parent, folder)
    except EngineError:
        goal.unlink(missing_ok=True)
        return file
    return goal


def _sources(file: Path, entry: HistoryEntry) -> list[Path]:
    """Return the pictures below an entry's folder that it was generated from."""
    named = [Path(os.path.normpath(file.parent / name)) for name in files_of(job_of(entry))]
    inside = [path for path in named if path.is_relative_to(file.parent)]
    return [path for path in inside if is_file(path) and folders.leads_into(file.parent, path)]


def _entries(scene: bpy.types.Scene) -> list[HistoryEntry]:
    return [] if scene.library else list(canvas_settings(scene).history)


history_properties.when_activated = history.show_active
HANDLERS = {
    "save_pre": _before_saving,
    "save_post": _after_saving,
    "save_post_fail": _after_saving,
    "undo_post": history.restore_arrived,
    "redo_post": history.restore_arrived,
    "load_post": history.forget_arrived,
}
