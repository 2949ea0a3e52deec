"""Tasks that wait, places that take them, engines that are lost."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from engine.batch.pool import run_batch
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Account, Closed, Failed, Lost, Made, OpenEngine, Step
from engine.contract.errors import EngineError
from tests.engine.batch.stand_ins import JOB, Log, StandIn, tasks


def test_workers_that_die_at_random_lose_nothing_and_make_nothing_twice() -> None:
    log, seeds = Log(), itertools.count()

    def opened() -> StandIn:
        return StandIn(log, next(seeds), job_s=0.001, death=0.05)

    wanted = tasks(600)
    news = list(run_batch(wanted, {str(number): opened for number in range(16)}))
    made = [one.task.output.name for one in news if isinstance(one, Made)]
    failed = [one for one in news if isinstance(one, Failed)]
    assert Counter(made) == Counter(log.made)
    assert len(made) + len(failed) == len(wanted)
    assert len(set(made)) == len(made)
    assert log.lost == sum(isinstance(one, Lost) for one in news) + len(failed) > 5


class _Faulty:
    """An engine that answers each task with an error of its own."""

    def __init__(self, kinds: dict[str, str], log: list[str], place: str) -> None:
        self._kinds, self._log, self._place = kinds, log, place

    def make(self, task: BatchTask, _: Step) -> Account:
        self._log.append(f"{self._place} {task.output.stem}")
        if kind := self._kinds.get(task.output.stem):
            raise EngineError("so it is", kind=kind)
        return Account()

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass


def _faulty(kinds: dict[str, str], log: list[str], *places: str) -> dict[str, OpenEngine]:
    return {place: partial(_Faulty, kinds, log, place) for place in places}


def test_a_picture_that_fails_leaves_the_others_alone() -> None:
    news = list(run_batch(tasks(3), _faulty({"00001": "picture"}, [], "a")))
    assert [one.task.output.stem for one in news if isinstance(one, Failed)] == ["00001"]
    assert sum(isinstance(one, Made) for one in news) == 2


def test_what_ends_every_engine_is_tried_at_others_and_then_given_up() -> None:
    log: list[str] = []
    news = list(run_batch(tasks(1), _faulty({"00000": "crashed"}, log, "a", "b", "c")))
    assert sorted(log) == ["a 00000", "b 00000", "c 00000"]
    (failed,) = (one for one in news if isinstance(one, Failed))
    assert "3 engines ended over it" in failed.error.message


def test_a_full_disk_ends_the_batch_at_once() -> None:
    log: list[str] = []
    with pytest.raises(EngineError) as caught:
        list(run_batch(tasks(50), _faulty({"00001": "output"}, log, "a")))
    assert caught.value.kind == "output"
    assert len(log) < 10


def test_places_without_an_engine_are_closed_and_others_go_on() -> None:
    def none() -> _Faulty:
        raise EngineError("no such device", kind="device")

    news = list(run_batch(tasks(4), {**_faulty({}, [], "a"), "b": none}))
    assert sum(isinstance(one, Made) for one in news) == 4
    with pytest.raises(EngineError, match="no engine is left for 4 pictures: no such device"):
        list(run_batch(tasks(4), {"b": none, "c": none}))
    assert all(one.place == "b" for one in news if isinstance(one, Closed))


def test_a_place_whose_engine_does_not_start_keeps_no_picture_from_others() -> None:
    never = threading.Event()

    def hanging() -> _Faulty:
        never.wait(20)
        return _Faulty({}, [], "b")

    began = time.monotonic()
    news = list(run_batch(tasks(4), {"b": hanging, **_faulty({}, [], "a")}))
    never.set()
    assert [one.place for one in news if isinstance(one, Made)] == ["a"] * 4
    assert time.monotonic() - began < 15


def test_an_engine_goes_on_with_the_model_that_it_has() -> None:
    models = ["x", "y"] * 4
    mixed = [
        replace(task, job=replace(JOB, model=model))
        for task, model in zip(tasks(8), models, strict=True)
    ]
    order = [
        one.task.job.model
        for one in run_batch(mixed, _faulty({}, [], "a"))
        if isinstance(one, Made)
    ]
    assert len(list(itertools.groupby(order))) == 2
