"""Jobs that wait for one engine or for several, are moved, removed and cancelled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mixdiff_blender.backend.states import Done, Generating, Outcome, Ready, Skipped
from tests.addon.conftest import GRACE_S, Run


def test_jobs_wait_for_each_other_and_run_in_their_order(run: Run) -> None:
    jobs = [run.add(name) for name in "abc"]
    assert run.queue.running == (jobs[0],)
    assert run.queue.waiting == (jobs[1], jobs[2])
    run.until_done()
    assert list(run.ends) == ["a", "b", "c"]
    assert {run.kind(name) for name in "abc"} == {"done"}
    assert run.started == 1


def test_waiting_jobs_can_be_moved_and_removed(run: Run) -> None:
    first, second, third, fourth = (run.add(name) for name in "abcd")
    run.queue.move(fourth, -1)
    assert run.queue.waiting == (second, fourth, third)
    run.queue.move(second, +5)
    assert run.queue.waiting == (fourth, third, second)
    run.queue.move(first, +1)
    assert run.queue.running == (first,)
    run.queue.remove(third)
    assert run.kind("c") == "cancelled"
    run.until_done()
    assert list(run.ends) == ["c", "a", "d", "b"]


def test_a_job_may_order_the_next_one_when_it_ends(run: Run) -> None:
    def order_more(_: Outcome) -> None:
        run.add("b")
        run.add("c")

    run.queue.add(run.request("a"), order_more)
    run.until(lambda: len(run.ends) == 2)
    assert list(run.ends) == ["b", "c"]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Run]:
    """Two engines with three jobs, of which two run until they are cancelled."""
    run = Run(tmp_path, engines=2)
    for name in "abc":
        run.add(name, hold=name != "c")
    run.until(lambda: all(isinstance(s.state, Generating) for s in run.queue.sessions))
    yield run
    run.queue.stop()


def test_two_engines_run_two_jobs_at_once_and_the_third_waits(two: Run) -> None:
    first, second, third = two.jobs
    assert two.queue.running == (first, second)
    assert two.queue.waiting == (third,)
    assert len({session.engine_pid for session in two.queue.sessions}) == 2
    assert two.started == 2


def test_cancel_of_one_job_frees_its_engine_for_the_next_and_leaves_the_other(two: Run) -> None:
    first, second, _ = two.jobs
    pid = two.queue.sessions[1].engine_pid
    two.queue.remove(second)
    two.until(lambda: "c" in two.ends)
    assert (two.kind("b"), two.kind("c")) == ("cancelled", "done")
    assert two.queue.running == (first,)
    end = two.ends["c"]
    assert isinstance(end, Done)
    assert end.document["pid"] == pid


def test_cancel_of_all_ends_what_runs_and_then_what_waits_has_its_turn(two: Run) -> None:
    two.queue.cancel()
    two.until_done()
    assert [two.kind(name) for name in "abc"] == ["cancelled", "cancelled", "done"]
    assert all(isinstance(session.state, Ready) for session in two.queue.sessions)
    assert two.started == 2


def test_an_engine_that_is_lost_costs_its_job_alone(two: Run) -> None:
    first, lost = two.jobs[0], two.queue.sessions[1].engine_pid
    assert lost is not None
    psutil.Process(lost).kill()
    two.until(lambda: "c" in two.ends)
    assert (two.kind("b"), two.kind("c")) == ("crashed", "done")
    assert two.queue.running == (first,)
    assert two.started == 3


def test_stop_ends_the_jobs_of_all_engines_and_what_waits(two: Run) -> None:
    two.queue.stop()
    assert {two.kind(name) for name in "abc"} == {"cancelled"}
    assert not two.queue.is_busy
    assert not any(session.engine_pid for session in two.queue.sessions)


def test_what_gives_way_is_skipped_for_whatever_somebody_asks_for(run: Run) -> None:
    by_itself = [run.add_by_itself(name, hold=True) for name in ("live", "later")]
    run.until_generating()
    assert run.queue.is_busy
    assert not run.queue.is_awaited
    asked = run.add("asked")
    assert run.queue.is_awaited
    run.until_done()
    assert list(run.ends) == ["later", "live", "asked"]
    assert all(isinstance(run.ends[name], Skipped) for name in ("live", "later"))
    assert run.kind("asked") == "done"
    assert run.started == 1
    assert by_itself[0].request.gives_way
    assert not asked.request.gives_way


def test_what_gives_way_takes_nothing_else_out(run: Run) -> None:
    first = run.add("first", hold=True)
    run.until_generating()
    run.add_by_itself("live")
    assert run.queue.running == (first,)
    run.queue.cancel()
    run.until_done()
    assert (run.kind("first"), run.kind("live")) == ("cancelled", "done")


def test_an_engine_is_not_ended_that_takes_long_to_skip_what_gives_way(run: Run) -> None:
    run.faults = ["silence@step"]
    job = run.add_by_itself("live")
    run.until_generating()
    pid = run.session.engine_pid
    run.queue.skip(job, patiently=True)
    end = time.monotonic() + 3 * GRACE_S
    run.until(lambda: time.monotonic() > end)
    assert run.session.engine_pid == pid
    run.queue.cancel()  # asked for by somebody
    run.until_done()
    assert run.session.engine_pid is None
