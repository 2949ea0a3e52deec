"""Tasks and engines that only pretend."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Account, Step
from engine.contract.errors import EngineError
from tests.engine.runs import canvas, read_job, text_region

JOB = read_job(canvas(64, 64, text_region(0, 64, 0, 64, "a tower"), num_inference_steps=2))


def tasks(count: int, folder: Path = Path("/nowhere")) -> list[BatchTask]:
    return [BatchTask(job=JOB, output=folder / f"{number:05d}.png") for number in range(count)]


@dataclass(slots=True)
class Log:
    """Which pictures were finished, and how long engines worked and lived."""

    made: list[str] = field(default_factory=list)
    lost: int = 0
    worked_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class StandIn:
    """An engine that takes its time, and dies at random in the middle of a picture."""

    def __init__(self, log: Log, seed: int, *, job_s: float = 0.0, death: float = 0.0) -> None:
        self._log, self._chance = log, Random(seed)
        self._job_s, self._death = job_s, death

    def make(self, task: BatchTask, on_step: Step) -> Account:
        dies = self._chance.random() < self._death
        spent = self._job_s * (self._chance.random() if dies else 1)
        began = time.monotonic()
        time.sleep(spent)
        on_step(1, 1)
        with self._log.lock:
            self._log.worked_s += time.monotonic() - began
            if dies:
                self._log.lost += 1
            else:
                self._log.made.append(task.output.name)
        if dies:
            raise EngineError("the machine is gone", kind="crashed")
        return Account()

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass
