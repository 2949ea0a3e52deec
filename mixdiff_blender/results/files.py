"""Where results and the pictures that jobs start from are kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

_RESULTS_FOLDER = "mixdiff"


def user_folder() -> Path:
    """Return the extension's own folder of this user, made if it is not there."""
    package = __package__.rpartition(".")[0]
    return Path(bpy.utils.extension_path_user(package, create=True))


def results_folder() -> Path:
    """Return the folder for pictures: beside the .blend, or the user's own while it is unsaved."""
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / _RESULTS_FOLDER
    return user_folder() / "results"


def new_result_path(name: str) -> Path:
    """Return a path in the results folder that no earlier result has."""
    folder, stem = results_folder(), bpy.path.clean_name(name) or "picture"
    number = 1
    while (path := folder / f"{stem}-{number:04d}.png").exists():
        number += 1
    return path


class References:
    """Gives each picture that a job starts from a file, for as long as the job needs it."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._saved: dict[str, str] = {}

    def path(self, image: bpy.types.Image) -> str:
        """Return a picture's own file, or that of a copy where it has none that is up to date."""
        own = bpy.path.abspath(image.filepath, library=image.library)
        if image.source == "FILE" and not image.packed_file and not image.is_dirty and own:
            return own
        if image.name_full not in self._saved:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="mixdiff-")
            path = Path(self._folder.name) / f"{len(self._saved)}.png"
            _save_copy(image, path)
            self._saved[image.name_full] = str(path)
        return self._saved[image.name_full]

    def owns(self, path: Path) -> bool:
        """Tell whether a file is one of the copies."""
        return str(path) in self._saved.values()

    def release(self) -> None:
        """Remove the copies."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._saved.clear()


def _save_copy(image: bpy.types.Image, path: Path) -> None:
    """Write a picture's pixels to a PNG; the datablock itself stays as it is."""
    copy = image.copy()
    try:
        copy.file_format = "PNG"
        copy.filepath_raw = str(path)
        copy.save()
    finally:
        bpy.data.images.remove(copy)


def in_file(path: Path) -> str:
    """Return a path as the .blend should keep it: relative where that is possible."""
    if not bpy.data.filepath:
        return str(path)
    try:
        return bpy.path.relpath(str(path))
    except ValueError:  # another drive of Windows
        return str(path)
