"""Files that are there whole or not at all, also when the disk is full meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Give a name to write to, which takes the path's place if nothing fails meanwhile.

    The path's folder is made for it; what stood there stays until then.

    Raises: OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short, since the path's own name may already be as long as a name can be.
    temporary = path.with_name(f".mixdiff-{os.getpid()}-{uuid4().hex[:8]}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file.

    Raises: OSError; what stood there stays.
    """
    with aside(path) as temporary:
        temporary.write_bytes(content)


def copy_whole(source: Path, path: Path) -> None:
    """Copy a file with its times.

    Raises: OSError; what stood there stays.
    """
    with aside(path) as temporary:
        shutil.copy2(source, temporary)
