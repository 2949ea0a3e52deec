"""The session's queue and its way out of every hold-up, with a worker that misbehaves."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.contract.errors import EngineError
from mixdiff_blender.backend import session as session_module
from mixdiff_blender.backend.client import EngineClient, Launch
from mixdiff_blender.backend.session import (
    Cancelling,
    Done,
    Failed,
    Generating,
    Job,
    JobRequest,
    Outcome,
    Ready,
    Session,
    Starting,
    Stopped,
)
from tests.addon.test_client import FAKE_WORKER

GRACE_S = 0.4


class Run:
    """A session, the faults of the engines that it will start, and what came of its jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.started = 0
        self.ends: dict[str, Outcome] = {}
        self.session = Session(self._connect)

    def _connect(self) -> EngineClient:
        self.started += 1
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "absent":
            raise EngineError("the engine is not installed", kind="environment")
        launch = Launch(
            command=(sys.executable, str(FAKE_WORKER)), environment={**os.environ, "FAULT": fault}
        )
        return EngineClient(launch, log_file=self.folder / "engine.log")

    def add(self, name: str, **job: Any) -> Job:
        def keep(outcome: Outcome) -> None:
            assert name not in self.ends, "a job ended twice"
            self.ends[name] = outcome

        order = JobRequest(document=job, folder=self.folder, output=self.folder / f"{name}.png")
        return self.session.generate(order, keep)

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.session.state, self.ends)
            self.session.pump(wait_s=0.02)

    def until_done(self) -> None:
        self.until(lambda: not self.session.is_busy)

    def until_generating(self) -> None:
        self.until(lambda: isinstance(self.session.state, Generating))

    def kind(self, name: str) -> str:
        end = self.ends[name]
        return end.kind if isinstance(end, EngineError) else "done"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(session_module, "CANCEL_GRACE_S", GRACE_S)
    run = Run(tmp_path)
    yield run
    run.session.stop()


def test_jobs_wait_for_each_other_and_run_in_their_order(run: Run) -> None:
    jobs = [run.add(name) for name in "abc"]
    assert run.session.current is jobs[0]
    assert run.session.queue == (jobs[1], jobs[2])
    run.until_done()
    assert list(run.ends) == ["a", "b", "c"]
    assert {run.kind(name) for name in "abc"} == {"done"}
    assert run.started == 1


def test_waiting_jobs_can_be_moved_and_removed(run: Run) -> None:
    first, second, third, fourth = (run.add(name) for name in "abcd")
    run.session.move(fourth, -1)
    assert run.session.queue == (second, fourth, third)
    run.session.move(second, +5)
    assert run.session.queue == (fourth, third, second)
    run.session.move(first, +1)
    assert run.session.current is first
    run.session.remove(third)
    assert run.kind("c") == "cancelled"
    run.until_done()
    assert list(run.ends) == ["c", "a", "d", "b"]


def test_a_job_may_order_the_next_one_when_it_ends(run: Run) -> None:
    order = JobRequest(document={}, folder=run.folder, output=run.folder / "a.png")

    def order_more(_: Outcome) -> None:
        run.add("b")
        run.add("c")

    run.session.generate(order, order_more)
    run.until(lambda: len(run.ends) == 2)
    assert list(run.ends) == ["b", "c"]


def test_cancel_ends_the_current_job_alone_and_keeps_the_engine(run: Run) -> None:
    run.add("a", hold=True)
    run.add("b")
    run.until_generating()
    pid = run.session.engine_pid
    run.session.cancel()
    assert isinstance(run.session.state, Cancelling)
    run.until_done()
    assert (run.kind("a"), run.kind("b")) == ("cancelled", "done")
    assert run.session.engine_pid == pid
    assert isinstance(run.session.state, Ready)


def test_an_engine_that_does_not_hear_cancel_is_ended_and_the_next_job_gets_another(
    run: Run,
) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.add("b")
    run.until_generating()
    began = time.monotonic()
    run.session.cancel()
    run.until(lambda: "a" in run.ends)
    assert GRACE_S <= time.monotonic() - began < GRACE_S + 1.5
    run.until_done()
    assert (run.kind("a"), run.kind("b")) == ("cancelled", "done")
    assert run.started == 2


def test_after_the_grace_time_with_nothing_left_the_engine_is_stopped_not_failed(run: Run) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.until_generating()
    run.session.cancel()
    run.until_done()
    assert isinstance(run.session.state, Stopped)


def test_cancel_twice_does_not_wait_for_the_grace_time(run: Run) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.until_generating()
    began = time.monotonic()
    run.session.cancel()
    run.session.cancel()
    run.until_done()
    assert time.monotonic() - began < GRACE_S


def test_a_job_cancelled_while_the_engine_starts_ends_at_once_and_the_start_goes_on(
    run: Run,
) -> None:
    run.add("a")
    assert isinstance(run.session.state, Starting)
    run.session.cancel()
    assert run.kind("a") == "cancelled"
    run.add("b")
    run.until_done()
    assert run.kind("b") == "done"
    assert run.started == 1


def test_an_engine_that_never_finishes_starting_is_ended_by_cancel(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_PATIENCE_S", 0.0)
    run.faults = ["silence@initialize"]
    run.add("a")
    run.add("b")
    run.session.cancel()
    run.until_done()
    assert (run.kind("a"), run.kind("b")) == ("cancelled", "done")
    assert run.started == 2


@pytest.mark.parametrize("moment", ["start", "initialize", "generate", "step"])
@pytest.mark.parametrize("fault", ["exit", "kill", "half", "garbage", "flood"])
def test_a_crash_costs_one_job_and_those_that_wait_get_another_engine(
    fault: str, moment: str, run: Run
) -> None:
    run.faults = [f"{fault}@{moment}"]
    run.add("a")
    run.add("b")
    run.until_done()
    assert run.kind("a") in ("crashed", "protocol")
    assert run.kind("b") == "done"


def test_a_stopped_process_is_ended_by_cancel(run: Run) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.until_generating()
    pid = run.session.engine_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    run.session.cancel()
    run.until_done()
    assert run.kind("a") == "cancelled"
    run.until(lambda: not Path(f"/proc/{pid}").exists())


def test_an_engine_that_is_gone_fails_each_waiting_job_with_the_reason(run: Run) -> None:
    run.faults = ["exit@generate", "absent", "absent"]
    for name in "abc":
        run.add(name)
    run.until_done()
    assert [run.kind(name) for name in "abc"] == ["crashed", "environment", "environment"]
    assert isinstance(run.session.state, Failed)


def test_stop_ends_everything_that_waits(run: Run) -> None:
    run.faults = ["silence@generate"]
    for name in "abc":
        run.add(name)
    run.until_generating()
    run.session.stop()
    assert {run.kind(name) for name in "abc"} == {"cancelled"}
    assert not run.session.is_busy


def test_unload_is_for_an_idle_engine_alone(run: Run) -> None:
    run.add("a")
    run.until_generating()
    assert run.session.has_model
    run.session.unload()
    assert run.session.has_model
    run.until_done()
    run.session.unload()
    assert not run.session.has_model
    run.add("b")
    run.until_done()
    assert isinstance(run.ends["b"], Done)
