"""Jobs that wait for one engine or for several, are moved, removed and cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mixdiff_blender.backend.session import Done, Generating, Outcome, Ready
from tests.addon.conftest import Run


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
