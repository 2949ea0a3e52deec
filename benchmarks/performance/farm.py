"""Many workers without engines: what the queue itself costs, and what it loses of dying ones.

`python -m benchmarks.performance.farm` has 64 workers that sleep instead of painting make 10,000
pictures, and die at random in the middle of some.
"""

from __future__ import annotations

import itertools
import json
import resource
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from engine.batch.pool import run_batch
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Account, Failed, Lost, Made, Step
from engine.contract.errors import EngineError
from engine.contract.job import Job, Text2ImageRegion

WORKERS, PICTURES = 64, 10_000
PICTURE_S, START_S, DEATHS = 1.0, 2.0, 0.01

_REGION = Text2ImageRegion(
    name="all",
    row_init=0,
    row_end=512,
    col_init=0,
    col_end=512,
    prompt="a tower",
    region_seed=1,
    guidance_scale=5,
)


@dataclass(slots=True)
class Ledger:
    """What the workers themselves say they did."""

    finished: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    busy_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sleeper:
    """A worker that sleeps as long as a picture takes, and writes an empty file."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        time.sleep(START_S)
        self._ledger, self._chance = ledger, Random(seed)  # noqa: S311
        with ledger.lock:
            ledger.busy_s += START_S

    def make(self, task: BatchTask, on_step: Step) -> Account:
        """Take a picture's time, or a part of it and die."""
        dies = self._chance.random() < DEATHS
        seconds = PICTURE_S * (self._chance.random() if dies else 1)
        time.sleep(seconds)
        on_step(1, 1)
        if not dies:
            task.output.touch(exist_ok=False)  # twice would be an error
        with self._ledger.lock:
            self._ledger.busy_s += seconds
            self._ledger.deaths += dies
            self._ledger.finished[task.output.name] += not dies
        if dies:
            raise EngineError("the machine is gone", kind="crashed")
        return Account()

    def cancel(self) -> None:
        """Nothing is ever cancelled."""

    def close(self) -> None:
        """Leave nothing."""


def simulate() -> dict[str, float]:
    """Return what was made, lost and spent.

    Units: `busy_share` is what workers slept of their time, `queue_share` the processor time of
    the queue, its threads and the files, of the workers' time.
    """
    job = Job(canvas_height=512, canvas_width=512, seed=1, regions=(_REGION,))
    ledger, seeds = Ledger(), itertools.count()
    with tempfile.TemporaryDirectory() as name:
        tasks = [
            BatchTask(job=job, output=Path(name) / f"{number:05d}.png")
            for number in range(PICTURES)
        ]
        places = {str(n): lambda: Sleeper(ledger, next(seeds)) for n in range(WORKERS)}
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        news = Counter(type(one) for one in run_batch(tasks, places))
        wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
        files = sum(1 for _ in Path(name).iterdir())
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "pictures": PICTURES,
        "made": news[Made],
        "files": files,
        "most_of_one": max(ledger.finished.values()),
        "failed": news[Failed],
        "deaths": ledger.deaths,
        "lost_and_made_elsewhere": news[Lost],
        "wall_s": round(wall_s, 1),
        "busy_share": round(ledger.busy_s / (wall_s * WORKERS), 4),
        "processor_s": round(processor_s, 2),
        "queue_share": round(processor_s / (wall_s * WORKERS), 5),
        "processor_ms_a_picture": round(processor_s / PICTURES * 1000, 3),
    }


if __name__ == "__main__":
    print(json.dumps(simulate(), indent=2))
