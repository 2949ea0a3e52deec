"""Keeps two installations out of each other's way; the system frees the lock of a dead process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from ...contract import EngineError


@contextlib.contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Hold a lock file, in this process and against others.

    Raises: EngineError of kind `busy` where somebody else holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as handle:
        try:
            if sys.platform == "win32":
                import msvcrt

                handle.seek(0)
                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EngineError(
                "another Blender is installing the engine just now",
                kind="busy",
                advice="wait until it is through; it serves this one too",
            ) from error
        yield
