"""Small pictures over a Ray cluster: which share of the time its engines paint.

`python -m benchmarks.performance.cluster` starts a cluster of this machine alone and makes 200
pictures of 128 × 128 with the bundled model, at as many places as there are pairs of cores.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from engine.batch.cluster import Wanted, cluster
from engine.batch.pool import run_batch
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Began, Made
from engine.contract.job import Job, Text2ImageRegion
from engine.contract.limits import Limits

PICTURES, STEPS, SIDE_PX = 200, 10, 128

_REGION = Text2ImageRegion(
    name="all",
    row_init=0,
    row_end=SIDE_PX,
    col_init=0,
    col_end=SIDE_PX,
    prompt="red brick wall",
    region_seed=1,
    guidance_scale=5,
)


def measure(folder: Path, *, cpus_each: int = 1) -> dict[str, float]:
    """Return how many pictures were made, and how the places' time was spent.

    Units: `engine_share` is what engines say they took, of the time from each place's first picture
    to its last.
    """
    job = Job(
        canvas_height=SIDE_PX,
        canvas_width=SIDE_PX,
        seed=1,
        num_inference_steps=STEPS,
        regions=(_REGION,),
    )
    tasks = [BatchTask(job=job, output=folder / f"{number:03d}.png") for number in range(PICTURES)]
    wanted = Wanted(device="cpu", dtype="float32", cpus_each=cpus_each, limits=Limits())
    first, last, engines_s = dict[str, float](), dict[str, float](), 0.0
    made = Counter[str]()
    with cluster("local", wanted) as places:
        for news in run_batch(tasks, places):
            now = time.monotonic()
            if isinstance(news, Began):
                first.setdefault(news.place, now)
            elif isinstance(news, Made):
                last[news.place] = now
                made[news.task.output.name] += 1
                engines_s += sum(news.account.timings_s.values())
    places_s = sum(last[place] - first[place] for place in last)
    return {
        "made": len(made),
        "most_of_one": max(made.values()),
        "places": len(last),
        "places_s": round(places_s, 1),
        "engine_share": round(engines_s / places_s, 4),
        "beside_it_ms_a_picture": round((places_s - engines_s) / PICTURES * 1000, 1),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(Path(name)), indent=2))
