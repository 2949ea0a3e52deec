"""A picture that was made before somebody asked for it, kept as the result of its job."""

from __future__ import annotations

import filecmp
import os
from dataclasses import dataclass, replace
from pathlib import Path

import bpy

from ..backend.states import Done
from ..contract import (
    EngineError,
    Job,
    copy_with_job,
    files_of,
    is_file,
    path_in,
    to_document,
    with_models,
)
from ..storage import folders
from .documents import job_in_full
from .generation import PendingJob, SceneRef, error_lines, import_result, set_report
from .sources import with_kept_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A picture that lies in the folder where its job's relative paths start."""

    job: Job
    """As it was sent."""
    folder: Path
    done: Done

    def is_of(self, pending: PendingJob) -> bool:
        """Return whether it is there, and a job made it, pictures that this names included."""
        if self.job != pending.job or not is_file(self.done.output):
            return False
        pairs = ((path_in(self.folder, n), path_in(pending.folder, n)) for n in files_of(self.job))
        try:
            return all(filecmp.cmp(*pair, shallow=False) for pair in pairs)
        except OSError:
            return False


def keep(scene: bpy.types.Scene, pending: PendingJob, made: Made) -> None:
    """Add a picture to a scene as if its job had just been run.

    Raises: EngineError of kind `picture` or `output`; the report has the same.
    """
    try:
        output = folders.next_image_path(scene)
        try:
            ran = job_in_full(made.done.document, made.folder)
            ran = with_kept_sources(ran, made.folder, output.parent)
            ran = with_models(ran, lambda name: _seen_from(output.parent, name))
            document = to_document(ran)
            copy_with_job(made.done.output, output, document)
        except EngineError:
            folders.release(output)
            raise
    except EngineError as error:
        set_report(scene.name, error_lines(error, pending.warnings), error)
        raise
    done = replace(made.done, output=output, document=document)
    import_result(done, pending, SceneRef.of(scene))


def _seen_from(folder: Path, name: str) -> str:
    """Return a model's path as the engine writes it into a picture in a folder."""
    if not Path(name).is_absolute():
        return name
    try:
        return Path(os.path.relpath(name, folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return name
