"""Files that are written whole or not at all, and read with errors that say what to do."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from .errors import EngineError

_PREFIX = ".mixdiff-"
_STALE_S = 24 * 3600


@contextmanager
def atomic_write(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the path's place only once it is complete.

    On Linux it has no name until then, so that nothing is left of a process that is killed.
    `durable` waits until it is on the disk, for what must outlast a power cut.

    Raises: EngineError of kind `output` where it cannot be written; what stood there stays.
    """
    # A short name of its own: the target's name may already be as long as a name can be.
    temporary = path.parent / f"{_PREFIX}{os.urandom(6).hex()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _open_nameless(path.parent)
        if descriptor is None:
            _sweep(path.parent)
        with temporary.open("xb") if descriptor is None else os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if descriptor is not None:
                _link(descriptor, temporary)
        temporary.replace(path)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be written: {error.strerror or error}",
            kind="output",
            advice="choose another folder, or make room there",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def open_input(path: Path, *, kind: str, advice: str) -> Iterator[BufferedReader]:
    """Open a file for reading.

    Raises: EngineError of this kind where it cannot be opened, or fails while it is read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise EngineError(message, kind=kind, advice=advice) from error


def _open_nameless(folder: Path) -> int | None:
    """Open a file that is in the folder's file system and in no folder, where there is such."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_WRONLY, 0o666)
    except OSError:
        return None  # not every file system has them; one that is full says so soon enough


def _link(descriptor: int, path: Path) -> None:
    """Give a nameless file a name."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:  # with a folder to start at, links are followed: this one leads to the file itself
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left half written, a day ago or earlier."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                left.unlink()


def path_in(folder: Path, name: str) -> Path:
    """Return where a path leads as people write it: relative ones start at a folder, `~` is home.

    Backslashes of Windows are read on other systems too, unless a file is called so.
    """
    path = folder / _from_home(name)
    if os.sep == "\\" or "\\" not in name or is_there(path):
        return path
    return folder / _from_home(name.replace("\\", "/"))


def _from_home(name: str) -> str:
    if name == "~" or name.startswith(("~/", "~\\")):
        return f"{Path.home()}{name[1:]}"
    return name


def is_there(path: Path) -> bool:
    """Return whether anything can be found at a path; not where it cannot be one, or is closed."""
    return _mode(path) != 0


def is_file(path: Path) -> bool:
    """Return whether a path leads to an ordinary file: no device, and no pipe to wait at."""
    return stat.S_ISREG(_mode(path))


def is_dir(path: Path) -> bool:
    """Return whether a path leads to a folder."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):  # ValueError: what no path can hold
        return 0
