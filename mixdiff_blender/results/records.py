"""The notes in a PNG of the engine: the job that made it."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from ..contract import EngineError
from ..storage.files import aside

JOB_KEY = "mixdiff-job"  # as the engine writes it
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_TEXT_BYTES = 64 * 1024 * 1024


def read_job(path: Path) -> Mapping[str, Any]:
    """Return the job that made a picture; its relative paths start at the picture's folder.

    Raises: EngineError of kind `picture` where the file holds none.
    """
    try:
        with path.open("rb") as file:
            texts = dict(_texts(file))
    except OSError as error:
        raise _unreadable(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, struct.error, zlib.error) as error:
        raise _unreadable(f"{path} cannot be read: {error}") from error
    if JOB_KEY not in texts:
        raise _unreadable(f"{path} holds no job")
    try:
        job = json.loads(texts[JOB_KEY])
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"the job that {path} holds is damaged: {error}") from error
    if not isinstance(job, dict):
        raise _unreadable(f"the job that {path} holds is damaged: it is no object")
    return job


def copy_with_job(source: Path, goal: Path, job: Mapping[str, Any]) -> None:
    """Copy a picture, with another job in the place of the one that it holds.

    Raises: OSError where it cannot be read or written.
    """
    text = JOB_KEY.encode() + bytes(5) + json.dumps(job, ensure_ascii=False).encode()
    with aside(goal) as temporary, source.open("rb") as old, temporary.open("wb") as new:
        new.write(old.read(8))
        while len(head := old.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            rest = old.read(length + 4)
            if kind == b"iTXt" and rest.startswith(JOB_KEY.encode() + b"\0"):
                checksum = struct.pack(">I", zlib.crc32(kind + text))
                new.write(struct.pack(">I4s", len(text), kind) + text + checksum)
            else:
                new.write(head + rest)


def moved_job(job: Mapping[str, Any], old_folder: Path, new_folder: Path) -> dict[str, Any]:
    """Return a job with its relative paths seen from another folder.

    What lies below the old folder is taken to come along.
    """

    def seen(name: Any) -> Any:
        if not isinstance(name, str) or Path(name).is_absolute():
            return name
        target = Path(os.path.normpath(old_folder / name))
        if target.is_relative_to(old_folder) or not target.exists():
            return name
        try:
            return Path(os.path.relpath(target, new_folder)).as_posix()
        except ValueError:  # another drive of Windows
            return str(target)

    regions = [
        {**region, "reference_image": seen(region["reference_image"])}
        if "reference_image" in region
        else region
        for region in job.get("regions", ())
    ]
    return {**job, "regions": regions, "model": seen(job.get("model"))}


def made_at(path: Path) -> str:
    """Return when a file was written, as ISO 8601 has it."""
    return datetime.fromtimestamp(path.stat().st_mtime).isoformat(timespec="seconds")


def _unreadable(message: str) -> EngineError:
    return EngineError(message, kind="picture", advice="choose a PNG that MixDiff has made")


def _texts(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Return the keys and texts of a PNG's iTXt chunks."""
    if file.read(8) != _SIGNATURE:
        raise ValueError("it is no PNG")
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind != b"iTXt":
            file.seek(length + 4, 1)
            continue
        if length > _MAX_TEXT_BYTES:
            raise ValueError("one of its texts is too long")
        data = file.read(length)
        file.seek(4, 1)
        key, _, rest = data.partition(b"\0")
        _language, _translated, text = rest[2:].split(b"\0", 2)
        if rest[:1] == b"\1":  # compressed
            unpacking = zlib.decompressobj()
            text = unpacking.decompress(text, _MAX_TEXT_BYTES)
            if unpacking.unconsumed_tail:
                raise ValueError("one of its texts is too long")
        yield key.decode("latin-1"), text.decode("utf-8")
