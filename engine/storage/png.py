"""PNGs that hold the job that made them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.contract.errors import EngineError
from engine.contract.files import atomic_write, is_there, path_in
from engine.contract.job import BUNDLED_MODEL, Job
from engine.contract.named_in import with_files, with_models
from engine.contract.png import (
    JOB_KEY,
    LATENTS_KIND,
    RUN_KEY,
    ZLIB_LEVEL,
    write_chunk,
    write_head,
    write_note,
)

Pixels = npt.NDArray[np.uint8]

PNG = ".png"
_BYTES_PER_PX = 3
_ROWS_AT_ONCE = 16


def require_png(path: Path) -> None:
    """Refuse another format's name for a picture.

    Raises: EngineError of kind `output`.
    """
    if path.suffix.lower() != PNG:
        raise EngineError(
            f"{path.name} is not the name of a PNG, which alone keeps the job in the picture",
            kind="output",
            advice=f"name it {path.stem}{PNG}, and convert a copy of it",
        )


class GrowingPng:
    """A PNG that holds its own job, written as its rows come; whole, it takes its place.

    Source: https://www.w3.org/TR/png-3/, 9 for the filters.
    """

    def __init__(
        self,
        path: Path,
        size_px: tuple[int, int],
        *,
        job: Mapping[str, Any],
        run: Mapping[str, Any],
        latents: bytes = b"",
    ) -> None:
        self._width, self._height = size_px
        self._rows_left = self._height
        self._squeezed = zlib.compressobj(ZLIB_LEVEL, strategy=zlib.Z_FILTERED)
        self._above = np.zeros((1, self._width * _BYTES_PER_PX), np.uint8)
        self._open = ExitStack()
        with self._kept_open() as opened:
            self._file = opened.enter_context(atomic_write(path))
            write_head(self._file, size_px)
            write_note(self._file, JOB_KEY, job)
            write_note(self._file, RUN_KEY, run)
            if latents:
                write_chunk(self._file, LATENTS_KIND, latents)

    @property
    def is_whole(self) -> bool:
        """Whether all rows are there, and the file in its place."""
        return self._rows_left == 0

    @property
    def rows_done(self) -> int:
        """How many rows are there, from the top."""
        return self._height - self._rows_left

    def add(self, rows: Pixels) -> None:
        """Write the next rows.

        Shapes: (rows, W, 3), uint8.
        Raises: EngineError of kind `output`; the file is gone then, what stood there stays.
        """
        with self._kept_open():
            if len(rows) > self._rows_left or rows.shape[1:] != (self._width, _BYTES_PER_PX):
                raise ValueError(f"rows of shape {rows.shape} do not belong to this picture")
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                lines = rows[start : start + _ROWS_AT_ONCE].reshape(-1, self._above.shape[1])
                self._write(self._squeezed.compress(_filtered(lines, self._above)))
                self._above = lines[-1:].copy()
            self._rows_left -= len(rows)
            if self.is_whole:
                self._write(self._squeezed.flush())
                write_chunk(self._file, b"IEND")

    def discard(self) -> None:
        """Leave nothing of a picture that is not whole."""
        with suppress(_DiscardedError), self._open:
            raise _DiscardedError

    @contextmanager
    def _kept_open(self) -> Iterator[ExitStack]:
        """Have the file closed when it is whole, and removed when writing fails."""
        with self._open.pop_all() as opened:
            yield opened
            if not self.is_whole:
                self._open = opened.pop_all()

    def _write(self, data: bytes) -> None:
        if data:
            write_chunk(self._file, b"IDAT", data)


class _DiscardedError(Exception):
    """Ends the writing of a file that nobody wants any more."""


def _filtered(lines: Pixels, above: Pixels) -> bytes:
    """Return lines of bytes as a PNG compresses them, each by the filter that leaves least.

    Shapes: (rows, bytes) of the lines, (1, bytes) of the line above them.
    """
    over = np.concatenate([above, lines[:-1]])
    left, corner = (
        np.pad(x, ((0, 0), (_BYTES_PER_PX, 0)))[:, :-_BYTES_PER_PX] for x in (lines, over)
    )
    a, b, c = (x.astype(np.int16) for x in (left, over, corner))
    to_a, to_b, to_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    paeth = np.where((to_a <= to_b) & (to_a <= to_c), left, np.where(to_b <= to_c, over, corner))
    average = ((a + b) // 2).astype(np.uint8)
    guesses: tuple[Any, ...] = (np.uint8(0), left, over, average, paeth)
    best = np.zeros((len(lines), 1 + lines.shape[1]), np.uint8)
    least = np.full(len(lines), np.iinfo(np.int64).max)
    for kind, guess in enumerate(guesses):
        rest = lines - guess  # modulo 256
        size = np.minimum(rest, -rest).sum(1, dtype=np.int64)
        better = size < least
        best[better, 0], best[better, 1:], least[better] = kind, rest[better], size[better]
    return best.tobytes()


def moved(job: Job, old_folder: Path, new_folder: Path) -> Job:
    """Return the job with its relative paths seen from another folder."""

    def seen_from_there(name: str) -> str:
        target = path_in(old_folder, name).resolve()
        try:
            return Path(os.path.relpath(target, new_folder.resolve())).as_posix()
        except ValueError:  # another drive of Windows
            return str(target)

    def weights_seen_from_there(name: str) -> str:
        path = path_in(old_folder, name)  # or else a name on the hub
        return seen_from_there(str(path)) if name != BUNDLED_MODEL and is_there(path) else name

    return with_models(with_files(job, seen_from_there), weights_seen_from_there)
