"""A job on a smaller canvas: a quick look at what it will give."""

from __future__ import annotations

from .errors import EngineError
from .job import Job
from .resized import resized, scaled_size


def smaller(job: Job, scale: float, grid_px: int) -> Job:
    """Return a job whose canvas and regions are smaller, in the same proportions on the grid.

    The longest side of a window stays the model's. The noise is the smaller canvas's own, so a
    seed means another picture there.

    Raises: EngineError of kind `job` where a picture has to be as large as the canvas.
    """
    for name in ("kept", "second_pass", "noise_map"):
        if getattr(job, name) is None:
            continue
        raise EngineError(
            f"{name} names a picture that goes with the canvas as large as it is",
            kind="job",
            advice=f"leave {name} out",
        )
    height, width = scaled_size(job, scale, grid_px)
    return resized(job, (min(height, job.canvas_height), min(width, job.canvas_width)), grid_px)
