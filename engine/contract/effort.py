"""How much a job asks of a network, in numbers that another job's time can be told from."""

from __future__ import annotations

from .geometry import spans
from .job import Job


def denoised_cells(job: Job, stride_px: int) -> int:
    """Return how many latent cells the network sees in a whole job, each pass and step counted.

    Where windows overlap, their cells count for each; guidance counts as a second pass.
    """
    largest = (job.max_region_px or max(job.canvas_height, job.canvas_width)) // stride_px
    cells = 0
    for region in job.text_regions:
        if region.mask_weight <= 0:
            continue
        passes = 1 if region.guidance_scale == 1.0 else 2
        sides = (region.height_px // stride_px, region.width_px // stride_px)
        rows, columns = (
            sum(end - start for start, end in spans(side, max(largest, 1))) for side in sides
        )
        cells += passes * rows * columns
    return cells * job.num_inference_steps
