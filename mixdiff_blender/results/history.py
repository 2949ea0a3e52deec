"""A scene's results, each with its file and its job."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import bpy

from ..contract import (
    EngineError,
    Job,
    RerollRegion,
    is_file,
    is_there,
    read_job,
    with_models,
    with_unique_names,
)
from ..properties import HistoryEntry, canvas_settings
from ..storage import folders
from . import snapshots
from .documents import (
    JobContext,
    is_made_by,
    is_picture_of_ours,
    job_of,
    own_model,
    settings_of,
    text_of_view,
)
from .image import file_of, own_image, show_image
from .sequence import Extent, extent_of
from .shot_record import ShotRecord, record_beside, record_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """What an entry of the history holds."""

    key: str
    file: Path
    seed_digits: str
    made_at: str
    job: str
    settings: str
    view: str
    what: str
    shot: str = ""


# Undo takes a scene back to before a result that came meanwhile: this puts it into the scene again.
_arrived: dict[int, list[ResultRecord]] = {}


def add(
    scene: bpy.types.Scene,
    file: Path,
    document: Mapping[str, Any],
    context: JobContext,
    *,
    shot: str = "",
) -> HistoryEntry:
    """Add a result that was just made, and show it; of a shot its first frame."""
    settings = json.dumps(context.snapshot, ensure_ascii=False)
    view = text_of_view(context.view)
    made = _record(file, document, datetime.now(), settings, view, context.what, shot)
    _arrived.setdefault(scene.session_uid, []).append(made)
    canvas_settings(scene).show_result = True
    return _append(scene, made)


def load(scene: bpy.types.Scene, file: Path) -> HistoryEntry:
    """Add a picture that the engine made, with the job that it holds, and show it.

    Raises: EngineError of kind `picture` where the file holds no job.
    """
    document = read_job(file)
    for number, entry in enumerate(canvas_settings(scene).history):
        if path_of(entry) == file:
            canvas_settings(scene).active_history = number
            return entry  # type: ignore[no-any-return]
    written = datetime.fromtimestamp(file.stat().st_mtime)
    shot = record_beside(file)
    if shot is None:
        return _append(scene, _record(file, document, written))
    what = f"{len(shot.frames)} frames, {shot.frames.text}"
    return find_shot(scene, shot) or _append(
        scene, _record(file, document, written, what=what, shot=shot.pattern)
    )


def _record(
    file: Path,
    document: Mapping[str, Any],
    made: datetime,
    settings: str = "",
    view: str = "",
    what: str = "",
    shot: str = "",
) -> ResultRecord:
    return ResultRecord(
        key=uuid4().hex,
        file=file,
        seed_digits=str(document.get("seed", "")),
        made_at=made.isoformat(timespec="seconds"),
        job=json.dumps(document, ensure_ascii=False),
        settings=settings,
        view=view,
        what=what,
        shot=shot,
    )


def active_entry(scene: bpy.types.Scene) -> HistoryEntry | None:
    """Return the result that is shown, if there is one."""
    settings = canvas_settings(scene)
    if 0 <= settings.active_history < len(settings.history):
        entry: HistoryEntry = settings.history[settings.active_history]
        return entry
    return None


def path_of(entry: HistoryEntry, blend: str | None = None) -> Path:
    """Return where an entry's picture is; `blend` stands for the .blend's path."""
    return folders.absolute(entry.file, blend or bpy.data.filepath)


def own_file(entry: HistoryEntry) -> Path:
    """Return an entry's picture.

    Raises: EngineError of kind `picture` where it is gone, or is not what the entry's job made.
    """
    file = path_of(entry)
    if not is_file(file):
        raise EngineError(
            f"the picture {file} is not there any more",
            kind="picture",
            advice="put it back, or choose another result",
        )
    if not is_made_by(entry, file):
        raise EngineError(
            f"{file} is not the picture that this result's job made",
            kind="picture",
            advice="load it again (Load Picture)",
        )
    return file


def show_active(scene: bpy.types.Scene) -> None:
    """Make the active entry's picture the scene's result, where its file is still there."""
    entry = active_entry(scene)
    if entry is None:
        return
    (file, extent), image = shown_by(entry), canvas_settings(scene).result
    if image is not None and file_of(image) == file and extent_of(image) == extent:
        return
    _show(scene, entry)


def _show(scene: bpy.types.Scene, entry: HistoryEntry) -> None:
    file, extent = shown_by(entry)
    if is_file(file):
        show_image(scene, file, packed=folders.is_unsaved(file), extent=extent)
        canvas_settings(scene).result_seed = entry.seed_digits


def shown_by(entry: HistoryEntry) -> tuple[Path, Extent | None]:
    """Return the file that an entry shows, and of a shot from which frame to which it goes."""
    record = record_of(entry)
    if record is None or not record.there:
        return path_of(entry), None
    return record.first_file, record.extent


def file_at(entry: HistoryEntry, frame: int) -> Path:
    """Return the file of what an entry shows at a frame."""
    record = record_of(entry) if entry.shot else None
    number = record.nearest(frame) if record else None
    return path_of(entry) if record is None or number is None else record.file(number)


def find(scene: bpy.types.Scene, key: str) -> HistoryEntry | None:
    """Return an entry by its key, also after undo; None where it was removed."""
    return next((entry for entry in canvas_settings(scene).history if entry.key == key), None)


def find_shot(scene: bpy.types.Scene, record: ShotRecord) -> HistoryEntry | None:
    """Return the entry of a shot."""
    for entry in canvas_settings(scene).history:
        if entry.shot == record.pattern and path_of(entry).parent == record.folder:
            found: HistoryEntry = entry
            return found
    return None


def refresh(scene: bpy.types.Scene, entry: HistoryEntry) -> None:
    """Show what an entry's files hold now, where it is the one that is shown."""
    if active_entry(scene) == entry:
        _show(scene, entry)


def keep(scene: bpy.types.Scene, entry: HistoryEntry) -> bpy.types.Image:
    """Return an image datablock that goes on showing an entry's picture.

    Raises: EngineError of kind `picture` where its file is gone.
    """
    file, extent = shown_by(entry)
    if not is_file(file):
        raise EngineError(
            f"the picture {file} is not there any more",
            kind="picture",
            advice="put it back, or remove it from the history",
        )
    image = own_image(scene, file, packed=folders.is_unsaved(file), extent=extent)
    image.use_fake_user = True
    return image


def remove(scene: bpy.types.Scene, number: int, *, with_file: bool = False) -> None:
    """Remove an entry from the history; its file stays unless it is told to go.

    Raises: EngineError of kind `output` where the file is not one to be deleted, or cannot be.
    """
    settings = canvas_settings(scene)
    entry = settings.history[number]
    record, key = record_of(entry), entry.key
    files = [path_of(entry)] if record is None else record.files
    if with_file:
        for file in filter(is_there, files):
            _require_own(file, entry, scene)
    arrived = _arrived.get(scene.session_uid, ())
    _arrived[scene.session_uid] = [made for made in arrived if made.key != key]
    settings.history.remove(number)
    for file in files if with_file else ():
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise folders.unwritable(file, error) from error
    if with_file and record is not None:
        record.remove()
    if settings.active_history >= number:
        settings.active_history = max(0, settings.active_history - 1)


def _require_own(file: Path, entry: HistoryEntry, scene: bpy.types.Scene) -> None:
    """Refuse to touch what the engine did not make here: a .blend may name any file."""
    folder = folders.unsaved_folder() if folders.is_unsaved(file) else folders.results_folder(scene)
    is_own = bool(entry.shot) and is_picture_of_ours(file)
    if not ((is_own or is_made_by(entry, file)) and folders.leads_into(folder, file)):
        raise EngineError(
            f"{file} is not this picture of MixDiff in the scene's folder of results, {folder}",
            kind="output",
            advice="delete it yourself if it should go; removing it from the history is enough",
        )


def restore(scene: bpy.types.Scene, entry: HistoryEntry) -> list[str]:
    """Set the scene's settings and seeds as they were, and return the names of what is gone since.

    A picture that was loaded from its file knows only the canvas's settings.

    Raises: EngineError of kind `job` where its job cannot be read.
    """
    job = job_of(entry)
    missing: list[str] = []
    if settings := settings_of(entry):
        missing = snapshots.restore(scene, settings)
    else:
        snapshots.restore_canvas(scene, job, path_of(entry).parent)
    snapshots.restore_seeds(scene, job)
    return missing


def variation_text(entry: HistoryEntry, regions: Collection[str], *, mode: str) -> str:
    """Return in a few words what `varied` makes of an entry."""
    names = [r.name for r in job_of(entry).regions if (r.id or r.name) in regions]
    where = ", ".join(names) or "the whole picture"
    return f"{'reroll' if mode == 'reset' else 'variation'} of {where}"


def varied(entry: HistoryEntry, regions: Collection[str], *, mode: str, noise_eps: float) -> Job:
    """Return an entry's job with some regions' parts of its start drawn anew, or shifted.

    Regions are given by their ids, or by their names where the entry knows no ids; without any
    that the entry knows the whole picture varies.

    Raises: EngineError of kind `job` where its job cannot be read, or made a part of it alone: its
    start is not that of the rest.
    """
    job = job_of(entry)
    if job.kept is not None:
        raise EngineError(
            f"{entry.name} was made again in parts, which have no start in common",
            kind="job",
            advice="use Again, with Keep at 0.5 for a slight change; or vary the first result",
        )
    chosen = [region for region in job.regions if (region.id or region.name) in regions]
    bounds = [region.bounds for region in chosen] or [(0, job.canvas_height, 0, job.canvas_width)]
    amount = float(f"{noise_eps:.6g}") if mode == "epsilon" else 0.0  # from Blender's 32 bits
    kept = [
        reroll
        for reroll in job.reroll_regions
        # What is drawn anew in the same bounds twice was drawn in vain the first time.
        if mode != "reset" or reroll.reroll_mode != "reset" or reroll.bounds not in bounds
    ]
    sides = ("row_init", "row_end", "col_init", "col_end")
    added = [
        RerollRegion(
            **dict[str, Any](zip(sides, each, strict=True)), reroll_mode=mode, noise_eps=amount
        )
        for each in bounds
    ]
    return with_unique_names(replace(job, reroll_regions=(*kept, *added)))


def with_own_model(entry: HistoryEntry, job: Job) -> Job:
    """Return a job made from an entry's with its model where it is, wherever the job is run."""
    return with_models(job, lambda name: own_model(name, path_of(entry).parent))


def restore_arrived(*_: Any) -> None:
    """Put results back that undo took away, and show the last of them."""
    for scene in bpy.data.scenes:
        there = {entry.key for entry in canvas_settings(scene).history}
        for made in _arrived.get(scene.session_uid, ()):
            if made.key not in there:
                _append(scene, made)


def note_moves(scene: bpy.types.Scene, blend: str) -> None:
    """Note that the files of a scene's entries have other places now, seen from a .blend."""
    there = {entry.key: entry for entry in canvas_settings(scene).history}
    arrived = _arrived.get(scene.session_uid, [])
    for number, made in enumerate(arrived):
        if entry := there.get(made.key):
            arrived[number] = replace(made, file=path_of(entry, blend), job=entry.job)


def forget_arrived(*_: Any) -> None:
    """Forget what came into another file."""
    _arrived.clear()


def _append(scene: bpy.types.Scene, made: ResultRecord) -> HistoryEntry:
    settings = canvas_settings(scene)
    entry: HistoryEntry = settings.history.add()
    for name, value in asdict(made).items():
        setattr(entry, name, str(value))
    entry.name = name_of(made.file, made.shot)
    entry.file = relative(made.file)
    settings.active_history = len(settings.history) - 1
    return entry


def name_of(file: Path, shot: str) -> str:
    """Return what an entry is called: its file's name, a shot's by its folder."""
    return file.parent.name if shot else file.stem


def relative(file: Path, blend: str | None = None) -> str:
    """Return a path as the .blend keeps it: relative to it, unless it was never saved."""
    blend = bpy.data.filepath if blend is None else blend
    if not blend or folders.is_unsaved(file):
        return str(file)
    try:
        return bpy.path.relpath(str(file), start=str(Path(blend).parent))
    except ValueError:  # another drive of Windows
        return str(file)
