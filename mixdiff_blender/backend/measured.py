"""What pictures took on this computer, by their models, and what the next one will take."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..contract import BUNDLED_MODEL, EngineError, Job, Rectangle, atomic_write, denoised_cells
from ..storage import folders
from .progress import Estimate
from .states import Done

_AFTER_SAMPLING = ("decoding", "writing")
_BEFORE_SAMPLING = ("loading", "encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What a model's last picture took."""

    s_per_cell: float
    """Seconds for each latent cell that the network sees once."""
    s_per_px: float
    """Seconds for each pixel of the picture, decoded and saved."""
    loading_s: float
    taken_bytes: int = 0


def note(job: Job, stride_px: int, done: Done) -> None:
    """Keep what a picture took."""
    if job.kept is not None and job.kept.mask is not None:
        return  # how many windows its mask touched is not known
    if job.second_pass is not None:
        return  # nor how many of a region behind others were left out
    seconds, cells = done.timings_s, denoised_cells(job, stride_px)
    if not cells or "sampling" not in seconds:
        return
    name = _name(job)
    loading_s = sum(seconds.get(phase, 0.0) for phase in _BEFORE_SAMPLING)
    before = _all().get(name)
    measured = _Measured(
        s_per_cell=seconds["sampling"] / cells,
        s_per_px=sum(seconds.get(phase, 0.0) for phase in _AFTER_SAMPLING)
        / (job.canvas_height * job.canvas_width),
        # A model that was there already took no time to load.
        loading_s=max(loading_s, before.loading_s if before else 0.0),
        taken_bytes=done.taken_bytes,
    )
    _all.cache_clear()  # another Blender may have written meanwhile
    kept = {**_all(), name: measured}
    _all.cache_clear()
    with contextlib.suppress(EngineError, OSError), atomic_write(_file(), durable=False) as file:
        text = json.dumps({name: asdict(one) for name, one in kept.items()}, indent=1)
        file.write(text.encode("utf-8"))


def estimate(
    job: Job, stride_px: int, *, is_loaded: bool, changed: Sequence[Rectangle] | None = None
) -> Estimate | None:
    """Return what a job will take; None where its model has made no picture here yet.

    `changed` bounds what is made anew of a picture that is kept.
    """
    measured = _all().get(_name(job))
    if measured is None:
        return None
    seconds = denoised_cells(job, stride_px, changed=changed) * measured.s_per_cell
    seconds += job.canvas_height * job.canvas_width * measured.s_per_px
    if not is_loaded:
        seconds += measured.loading_s
    return Estimate(seconds=seconds, taken_bytes=measured.taken_bytes)


def _name(job: Job) -> str:
    return job.model or BUNDLED_MODEL


def _file() -> Path:
    return folders.user_folder() / "measured.json"


@cache
def _all() -> dict[str, _Measured]:
    try:
        document: Any = json.loads(_file().read_text(encoding="utf-8"))
        return {str(name): _Measured(**values) for name, values in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # there is none yet, or it is of another version
