"""A cluster behind the worker's protocol: jobs side by side, each cancelled alone."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.batch import relay as relay_module
from engine.batch.cluster import Wanted
from engine.batch.relay import Relay
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Account, Engine, OpenEngine, Step
from engine.contract.errors import Cancelled, EngineError, warning
from engine.contract.limits import Limits
from engine.contract.protocol import PROTOCOL_VERSION, Request
from engine.process.wire import Wire
from tests.engine.runs import canvas, text_region

JOB = canvas(64, 64, text_region(0, 64, 0, 64, "a tower"), num_inference_steps=2, seed=None)


class Holding:
    """An engine that steps once, and then waits until it may go on, is cancelled or closed."""

    def __init__(self, may_end: threading.Event) -> None:
        self._may_end, self._told = may_end, threading.Event()
        self._verdict: EngineError | None = None

    def make(self, task: BatchTask, on_step: Step) -> Account:
        self._told.clear()
        on_step(1, 2)
        while not (self._may_end.is_set() or self._told.is_set()):
            time.sleep(0.005)
        if self._told.is_set() and self._verdict:
            raise self._verdict
        on_step(2, 2)
        task.output.write_bytes(b"")
        return Account(problems=(warning("prompt", "", "is long", "shorten it"),))

    def cancel(self) -> None:
        self._verdict = Cancelled()
        self._told.set()

    def close(self) -> None:
        self._verdict = EngineError("the machine is gone", kind="crashed")
        self._told.set()


@dataclass
class Talk:
    """A relay over stand-ins, and what it says."""

    relay: Relay
    stream: io.BytesIO
    engines: list[Holding]
    may_end: threading.Event
    folder: Path
    ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    def ask(self, method: str, **params: Any) -> int:
        id_ = next(self.ids)
        self.relay.answer(Request(id=id_, method=method, params=params))
        return id_

    def generate(self) -> int:
        output = self.folder / f"{time.monotonic_ns()}.png"
        return self.ask("generate", job=JOB, output=str(output))

    def said(self, id_: int) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [one for one in lines if id_ in (one.get("id"), one.get("params", {}).get("id"))]

    def phases(self, id_: int) -> list[str]:
        return [one["params"]["phase"] for one in self.said(id_) if one.get("method") == "phase"]

    def end(self, id_: int) -> dict[str, Any] | None:
        return next((one for one in self.said(id_) if "result" in one or "error" in one), None)

    def wait(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, self.stream.getvalue()
            time.sleep(0.005)


Open = Callable[[Talk, int], Engine]


def _talk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, opened: Open, count: int = 2
) -> Iterator[Talk]:
    stream, wanted = io.BytesIO(), Wanted(device="cpu", dtype="auto", cpus_each=1, limits=Limits())
    talk = Talk(Relay(Wire(stream), "here:1", wanted), stream, [], threading.Event(), folder)

    def place(number: int) -> OpenEngine:
        return lambda: opened(talk, number)

    @contextmanager
    def cluster(address: str, _: Wanted) -> Iterator[dict[str, OpenEngine]]:
        assert address == "here:1"
        yield {f"ray:{number}": place(number) for number in range(count)}

    monkeypatch.setattr(relay_module, "cluster", cluster)
    hello = talk.end(talk.ask("initialize", protocol=PROTOCOL_VERSION))
    assert hello is not None
    assert hello["result"]["places"] == count
    yield talk
    talk.relay.close()


def _holding(talk: Talk, _: int) -> Engine:
    talk.engines.append(Holding(talk.may_end))
    return talk.engines[-1]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    yield from _talk(tmp_path, monkeypatch, _holding)


def test_jobs_run_side_by_side_and_one_is_cancelled_alone(talk: Talk) -> None:
    first, second, third = (talk.generate() for _ in range(3))
    talk.wait(lambda: all("sampling" in talk.phases(one) for one in (first, second)))
    assert talk.phases(third) == ["waiting"]
    for id_ in (first, third):
        talk.ask("cancel", id=id_)
        ended = talk.end(id_)
        assert ended is not None
        assert ended["error"]["data"]["kind"] == "cancelled"
    talk.may_end.set()
    talk.wait(lambda: talk.end(second))
    fourth = talk.generate()
    talk.wait(lambda: talk.end(fourth))
    for id_ in (second, fourth):
        done = talk.end(id_)
        assert done is not None
        assert Path(done["result"]["output"]).is_file()
        assert isinstance(done["result"]["job"]["seed"], int)
        assert done["result"]["problems"][0]["message"] == "is long"
        assert talk.phases(id_) == ["waiting", "loading", "sampling", "decoding"]
    assert len(list(talk.folder.iterdir())) == 2
    assert len(talk.engines) == 2  # what was cancelled kept its engine


def test_an_engine_that_is_lost_is_said_and_its_picture_made_elsewhere(talk: Talk) -> None:
    one = talk.generate()
    talk.wait(lambda: "sampling" in talk.phases(one))
    talk.engines[0].close()
    talk.wait(lambda: talk.phases(one).count("sampling") == 2)
    talk.may_end.set()
    talk.wait(lambda: talk.end(one))
    done = talk.end(one)
    assert done is not None
    assert "lost in the middle" in done["result"]["problems"][1]["message"]


def test_as_many_engines_are_opened_as_there_are_jobs_and_none_after_a_rest(talk: Talk) -> None:
    talk.may_end.set()
    one = talk.generate()
    talk.wait(lambda: talk.end(one))
    assert len(talk.engines) == 1
    talk.ask("unload")
    assert talk.engines[0]._told.is_set()
    two = talk.generate()
    talk.wait(lambda: talk.end(two))
    assert len(talk.engines) == 2


def test_places_with_other_versions_are_given_up_and_said_and_the_last_one_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_mixed = [True, False]

    def opened(talk: Talk, number: int) -> Engine:
        if is_mixed[number]:
            raise EngineError("has torch 1 instead of 2", kind="environment", advice="install")
        return _holding(talk, number)

    for talk in _talk(tmp_path, monkeypatch, opened):
        jobs = [talk.generate() for _ in range(4)]  # one engine holds its job, the other is tried
        talk.wait(lambda: talk.relay._given_up)  # noqa: B023
        talk.may_end.set()
        talk.wait(lambda: all(map(talk.end, jobs)))  # noqa: B023
        late = talk.generate()
        talk.wait(lambda: talk.end(late))  # noqa: B023
        done = talk.end(late)
        assert done is not None
        assert "ray:0 is given up: has torch 1" in done["result"]["problems"][-1]["message"]
        is_mixed[1] = True
        talk.ask("unload")
        lost = talk.generate()
        talk.wait(lambda: talk.end(lost))  # noqa: B023
        failed = talk.end(lost)
        assert failed is not None
        assert failed["error"]["message"].startswith("no engine of the cluster is left: has torch")
        is_mixed[:] = [False, False]
        again = talk.generate()
        talk.wait(lambda: talk.end(again))  # noqa: B023
        done = talk.end(again)
        assert done is not None
        assert "result" in done


def test_wrong_jobs_and_requests_are_answered_and_the_rest_goes_on(talk: Talk) -> None:
    talk.may_end.set()
    wrong = talk.ask("generate", job={**JOB, "num_inference_steps": 0}, output="/x/y.png")
    assert "num_inference_steps" in str(talk.end(wrong))
    assert "does not answer" in str(talk.end(talk.ask("validate", job=JOB)))
    assert talk.end(talk.ask("cancel", id=999))["result"] == {"cancelled": False}  # type: ignore[index]
    good = talk.generate()
    talk.wait(lambda: talk.end(good))
    assert "result" in str(talk.end(good))


def test_a_full_disk_fails_its_picture_and_the_next_is_made_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Holding):
        def make(self, task: BatchTask, on_step: Step) -> Account:
            if not self._may_end.is_set():
                raise EngineError("the disk is full", kind="output", advice="make room there")
            return super().make(task, on_step)

    for talk in _talk(tmp_path, monkeypatch, lambda talk, _: Full(talk.may_end), count=1):
        full = talk.generate()
        talk.wait(lambda: talk.end(full))  # noqa: B023
        failed = talk.end(full)
        assert failed is not None
        assert failed["error"]["data"] == {"kind": "output", "advice": "make room there"}
        talk.may_end.set()
        one = talk.generate()
        talk.wait(lambda: talk.end(one))  # noqa: B023
        assert "result" in str(talk.end(one))
