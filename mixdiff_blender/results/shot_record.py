"""What a shot leaves on disk: its frames, numbered as renders are, and a note beside them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ..contract import EngineError, JobError, atomic_write, is_file, parse_json
from ..job.frames import ShotFrames, numbered
from ..job.regions.projection import CameraView
from ..properties import HistoryEntry
from ..storage import folders
from .documents import view_of_text
from .sequence import Extent

_KEY = "mixdiff_shot"
_VERSION = 1
PLACE = "####"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotRecord:
    """A shot on disk: what is needed to go on with it."""

    folder: Path
    pattern: str
    """The name of its files, with #### where a frame's number stands."""
    frames: ShotFrames
    seed: int
    """What all its frames draw from."""
    scene_name: str = ""
    fills: bool = False
    """Whether frames that a step leaves out show the one before."""
    views: Mapping[int, str] = field(default_factory=dict)
    """What the camera saw at the frames, as `text_of_view` has it, by their numbers."""

    @property
    def path(self) -> Path:
        """The note's file."""
        return self.folder / Path(self.pattern).with_suffix(".json")

    def file(self, number: int) -> Path:
        """Return the file of a frame, there or not."""
        return self.folder / numbered(self.pattern, number)

    @property
    def first_file(self) -> Path:
        """The file with which the sequence begins."""
        there = self.there
        return self.file(there[0] if there else self.frames.numbers[0])

    @property
    def there(self) -> list[int]:
        """The numbers of the frames whose files are there."""
        return [n for n in self.frames.numbers if _holds_something(self.file(n))]

    @property
    def extent(self) -> Extent | None:
        """The first and the last number that a sequence shows; None where Blender shows none.

        Blender counts from 0, and takes the last digits of a name for the number.
        """
        there = self.there
        after = self.pattern.rpartition("#")[2]
        if not there or there[0] < 0 or any(map(str.isdigit, Path(after).stem)):
            return None
        return there[0], there[-1]

    @property
    def files(self) -> list[Path]:
        """All pictures of the shot that are there, those that hold a gap too."""
        gaps = self.frames.holds if self.fills else {}
        numbers = sorted({*self.frames.numbers, *gaps})
        return [file for file in map(self.file, numbers) if is_file(file)]

    def remove(self) -> None:
        """Take the note away, and the folder where nothing else is in it."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            if self.fills:  # a folder of its own
                self.folder.rmdir()

    def fill_gaps(self, number: int) -> None:
        """Have the numbers that a step leaves out show the frame before."""
        for between, before in self.frames.holds.items() if self.fills else ():
            if before == number:
                hold(self.file(number), self.file(between))

    def view(self, number: int) -> CameraView | None:
        """Return what the camera saw at a frame, where that is known."""
        return view_of_text(self.views.get(number, ""))

    @property
    def known_views(self) -> dict[int, CameraView]:
        """What the camera saw at the frames, by their numbers, where that is known."""
        found = {number: self.view(number) for number in self.frames.numbers}
        return {number: view for number, view in found.items() if view is not None}

    def nearest(self, number: int) -> int | None:
        """Return the frame that the sequence shows at a frame of the scene."""
        there = self.there
        return max((n for n in there if n <= number), default=there[0]) if there else None

    def write(self) -> None:
        """Keep the note.

        Raises: EngineError of kind `output`.
        """
        note = {
            **{_KEY: _VERSION, "pattern": self.pattern, "frames": self.frames.text},
            **{"seed": self.seed, "scene": self.scene_name, "fills": self.fills},
            "views": {str(number): view for number, view in self.views.items()},
        }
        with atomic_write(self.path) as file:
            file.write(json.dumps(note, ensure_ascii=False, indent=1).encode())


def read_record(path: Path) -> ShotRecord:
    """Return a shot by its note; one that was read already is not read again.

    Raises: EngineError of kind `picture` where it is none.
    """
    return _read(path, path.stat().st_mtime_ns if is_file(path) else 0)


@lru_cache(maxsize=8)  # panels ask at each drawing
def _read(path: Path, _changed_ns: int) -> ShotRecord:
    try:
        return _record_in(parse_json(path.read_text(encoding="utf-8")), path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, JobError) as error:
        raise EngineError(
            f"{path} does not say what shot it is of",
            kind="picture",
            advice="make the shot anew, or put the file back that MixDiff wrote there",
        ) from error


def _record_in(note: Any, path: Path) -> ShotRecord:
    """Return what a note says: read as anybody may have written it."""
    pattern = str(note["pattern"])
    if note[_KEY] != _VERSION or Path(pattern).name != pattern or "#" not in pattern:
        raise ValueError(pattern)
    if Path(pattern).with_suffix(".json").name != path.name or not pattern.lower().endswith(".png"):
        raise ValueError(path)
    views = {int(number): str(view) for number, view in note["views"].items()}
    return ShotRecord(
        folder=path.parent,
        pattern=pattern,
        frames=ShotFrames.read(str(note["frames"])),
        seed=int(note["seed"]),
        scene_name=str(note["scene"]),
        fills=bool(note["fills"]),
        views=views,
    )


def record_of(entry: HistoryEntry) -> ShotRecord | None:
    """Return an entry's shot; None for a still, or where the note of it is gone."""
    if not entry.shot:
        return None
    file = folders.absolute(entry.file, bpy.data.filepath)
    try:
        return read_record(file.parent / Path(Path(entry.shot).name).with_suffix(".json"))
    except EngineError:
        return None


def newest(
    folder: Path, scene_name: str, frames: ShotFrames, *, is_unfinished: bool = False
) -> ShotRecord | None:
    """Return the newest shot of a scene's frames in a folder; if asked, one that lacks some."""
    notes = [path for path in folder.glob(f"*/*{PLACE}.json") if is_file(path)]
    for path in sorted(notes, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            found = read_record(path)
        except EngineError:
            continue
        is_meant = found.scene_name == scene_name and found.frames == frames
        if is_meant and not (is_unfinished and len(found.there) == len(frames)):
            return found
    return None


def record_beside(picture: Path) -> ShotRecord | None:
    """Return the shot that a picture is a frame of."""
    for path in picture.parent.glob("*#*.json"):
        with suppress(EngineError):
            found = read_record(path)
            if picture in found.files:
                return found
    return None


def _holds_something(file: Path) -> bool:
    return is_file(file) and file.stat().st_size > 0


def hold(source: Path, goal: Path) -> None:
    """Have a file show what another one does, without its bytes where the disk allows."""
    with suppress(OSError):
        goal.unlink(missing_ok=True)
        try:
            os.link(source, goal)
        except OSError:
            shutil.copyfile(source, goal)
