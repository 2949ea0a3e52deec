"""One engine's states and their way out of every hold-up, with a worker that misbehaves."""

from __future__ import annotations

import time

import psutil
import pytest

from mixdiff_blender.backend import session as session_module
from mixdiff_blender.backend.states import (
    Cancelling,
    Done,
    Failed,
    Generating,
    Ready,
    Starting,
    Stopped,
    Unloading,
)
from tests.addon.conftest import GRACE_S, Run


def test_cancel_ends_the_current_job_alone_and_keeps_the_engine(run: Run) -> None:
    run.add("a", hold=True)
    run.add("b")
    run.until_generating()
    pid = run.session.engine_pid
    run.queue.cancel()
    assert isinstance(run.state, Cancelling)
    run.until_done()
    assert (run.kind("a"), run.kind("b")) == ("cancelled", "done")
    assert run.session.engine_pid == pid
    assert isinstance(run.state, Ready)


def test_a_job_that_is_done_when_it_is_cancelled_is_done_and_says_so(run: Run) -> None:
    run.add("a")
    run.until_generating()
    time.sleep(0.5)  # its answer is there, and nobody has looked
    run.queue.cancel()
    run.until_done()
    done = run.ends["a"]
    assert isinstance(done, Done)
    assert done.was_cancelled
    run.add("b")
    run.until_done()
    later = run.ends["b"]
    assert isinstance(later, Done)
    assert not later.was_cancelled


def test_an_engine_that_does_not_hear_cancel_is_ended_and_the_next_job_gets_another(
    run: Run,
) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.add("b")
    run.until_generating()
    began = time.monotonic()
    run.queue.cancel()
    run.until(lambda: "a" in run.ends)
    assert GRACE_S <= time.monotonic() - began < GRACE_S + 1.5
    run.until_done()
    assert (run.kind("a"), run.kind("b")) == ("cancelled", "done")
    assert run.started == 2


def test_after_the_grace_time_with_nothing_left_the_engine_is_stopped_not_failed(run: Run) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.until_generating()
    run.queue.cancel()
    run.until_done()
    assert isinstance(run.state, Stopped)


def test_cancel_twice_does_not_wait_for_the_grace_time(run: Run) -> None:
    run.faults = ["silence@generate"]
    run.add("a")
    run.until_generating()
    began = time.monotonic()
    run.queue.cancel()
    run.queue.cancel()
    run.until_done()
    assert time.monotonic() - began < GRACE_S


def test_an_engine_that_was_ended_after_its_answer_gets_no_further_job(run: Run) -> None:
    run.add("a", hold=True)
    run.add("b")
    run.until_generating()
    run.queue.cancel()
    time.sleep(0.5)  # its answer is there, and nobody has looked
    run.queue.cancel()
    run.until_done()
    assert (run.kind("a"), run.kind("b")) == ("cancelled", "done")
    assert run.started == 2


def test_a_job_cancelled_while_the_engine_starts_ends_at_once_and_the_start_goes_on(
    run: Run,
) -> None:
    run.add("a")
    assert isinstance(run.state, Starting)
    run.queue.cancel()
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
    run.queue.cancel()
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
    psutil.Process(pid).suspend()
    run.queue.cancel()
    run.until_done()
    assert run.kind("a") == "cancelled"
    run.until(lambda: not psutil.pid_exists(pid))


def test_an_engine_that_is_gone_fails_each_waiting_job_with_the_reason(run: Run) -> None:
    run.faults = ["exit@generate", "absent", "absent"]
    for name in "abc":
        run.add(name)
    run.until_done()
    assert [run.kind(name) for name in "abc"] == ["crashed", "environment", "environment"]
    assert isinstance(run.state, Failed)


def test_stop_ends_everything_that_waits(run: Run) -> None:
    run.faults = ["silence@generate"]
    for name in "abc":
        run.add(name)
    run.until_generating()
    run.queue.stop()
    assert {run.kind(name) for name in "abc"} == {"cancelled"}
    assert not run.queue.is_busy


def test_unload_is_for_an_idle_engine_alone(run: Run) -> None:
    run.add("a")
    run.until_generating()
    assert run.session.has_model
    run.session.unload()
    assert run.session.has_model
    run.until_done()
    run.session.unload()
    assert isinstance(run.state, Unloading)
    assert not run.session.has_model
    run.until(lambda: isinstance(run.state, Ready))
    assert not run.session.has_model
    run.session.unload()
    run.add("b")
    run.until_done()
    assert isinstance(run.ends["b"], Done)
    assert run.started == 1


def test_a_job_begins_without_the_preview_of_the_one_before(run: Run) -> None:
    run.add("a", preview="a picture", hold=True)
    run.add("b", hold=True)
    run.until(lambda: isinstance(run.state, Generating) and bool(run.state.progress.preview))
    run.queue.cancel()
    while "a" not in run.ends:
        run.session.pump(wait_s=0.02)
    assert run.session.job is None
    run.queue.pump()
    assert isinstance(run.state, Generating)
    assert run.state.progress.preview == ""


def test_an_answer_that_is_no_result_costs_one_job_and_the_engine(run: Run) -> None:
    run.add("a", nonsense=True)
    run.until_generating()
    pid = run.session.engine_pid
    assert pid is not None
    run.until_done()
    assert run.kind("a") == "protocol"
    assert isinstance(run.state, Failed)
    run.until(lambda: not psutil.pid_exists(pid))
    run.add("b")
    run.until_done()
    assert run.kind("b") == "done"


def test_an_idle_engine_that_dies_is_noticed(run: Run) -> None:
    run.add("a")
    run.until_done()
    assert run.session.engine_pid is not None
    psutil.Process(run.session.engine_pid).kill()
    run.until(lambda: isinstance(run.state, Failed))
    assert run.session.engine_pid is None
