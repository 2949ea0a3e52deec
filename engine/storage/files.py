"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from engine.contract.errors import EngineError

_PREFIX = ".mixdiff-"
_STALE_S = 24 * 3600


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the path's place only once it is complete.

    On Linux it has no name until then, so that nothing is left of a process that is killed.

    Raises: EngineError of kind `output` where it cannot be written; what stood there stays.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _nameless(path.parent)
        is_nameless = descriptor is not None
        if descriptor is None:
            _sweep(path.parent)
            # A short name of its own: the target's name may already be as long as a name can be.
            descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=path.parent)
            temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if is_nameless:
                temporary = _named(descriptor, path.parent)
        assert temporary is not None
        if not is_nameless:
            temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be written: {error.strerror or error}",
            kind="output",
            advice="choose another folder, or make room there",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _nameless(folder: Path) -> int | None:
    """Open a file that is in the folder's file system and in no folder, where there is such."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_WRONLY, 0o666)
    except OSError:
        return None  # not every file system has them; one that is full says so soon enough


def _named(descriptor: int, folder: Path) -> Path:
    """Give a nameless file a name in the folder."""
    path = folder / f"{_PREFIX}{os.urandom(6).hex()}"
    inside = os.open(folder, os.O_RDONLY)
    try:  # with a folder to start at, links are followed: this one leads to the file itself
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=inside, follow_symlinks=True)
    finally:
        os.close(inside)
    return path


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed left half written, a day ago or earlier."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                left.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
