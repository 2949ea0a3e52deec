"""Jobs of a cluster beside those of this computer: one process, many engines, none in the way."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from mixdiff_blender.backend.client import EngineClient, Launch
from mixdiff_blender.backend.job_queue import JobQueue
from mixdiff_blender.backend.session import Session
from mixdiff_blender.backend.shared_client import SharedClient
from mixdiff_blender.backend.states import HERE, Done, Generating, Job, JobRequest, Skipped
from tests.addon.conftest import FAKE_WORKER, Run

FAR = "far:1"


def _client(folder: Path, script: str) -> EngineClient:
    program = FAKE_WORKER.with_name(script)
    launch = Launch(command=(sys.executable, str(program)), environment=dict(os.environ))
    return EngineClient(launch, log_file=folder / "engine.log")


class Places(Run):
    """A queue with an engine here, and a cluster far away."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clusters = {
            place: SharedClient(partial(_client, folder, "fake_relay.py"))
            for place in (FAR, "other:1")
        }
        self.queue = JobQueue([self.session], hire=self._hire)

    def _hire(self, place: str, number: int) -> Session:
        if place == HERE:
            return Session(partial(_client, self.folder, "fake_worker.py"))
        return Session(self.clusters[place].connect, place=place)

    def send(self, name: str, place: str = FAR, **job: object) -> Job:
        request = JobRequest(
            document=job, folder=self.folder, output=self.folder / f"{name}.png", place=place
        )

        def keep(outcome: object) -> None:
            assert name not in self.ends, "a job ended twice"
            self.ends[name] = outcome  # type: ignore[assignment]

        self.jobs.append(self.queue.add(request, keep))
        return self.jobs[-1]

    @property
    def far(self) -> list[Session]:
        return [session for session in self.queue.sessions if session.place == FAR]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Places]:
    run = Places(tmp_path)
    yield run
    run.queue.stop()


def generating(run: Places, count: int) -> None:
    run.until(lambda: sum(isinstance(s.state, Generating) for s in run.far) == count)


def test_a_cluster_makes_as_many_at_once_as_it_says_by_one_process(run: Places) -> None:
    jobs = [run.send(name, hold=True) for name in "abcd"]
    generating(run, 3)
    assert run.queue.waiting == (jobs[3],)
    assert len({session.engine_pid for session in run.far}) == 1
    assert run.queue.count(FAR) == 3
    assert run.queue.share_of(jobs[0]) == 0.5


def test_one_that_is_taken_out_leaves_the_others_and_ends_as_that(run: Places) -> None:
    jobs = [run.send(name, hold=True) for name in "abcd"]
    generating(run, 3)
    pid = run.far[0].engine_pid
    for _ in range(3):  # as a hand that trembles
        run.queue.skip(jobs[1])
    run.until(lambda: "b" in run.ends)
    assert isinstance(run.ends["b"], Skipped)
    generating(run, 3)
    assert not run.queue.waiting
    assert {session.engine_pid for session in run.far} == {pid}
    run.queue.cancel()
    run.until_done()
    assert [run.kind(name) for name in "acd"] == ["cancelled"] * 3
    assert not any(isinstance(run.ends[name], Skipped) for name in "acd")


def test_jobs_here_do_not_wait_for_a_cluster_that_is_full_nor_the_other_way(run: Places) -> None:
    for name in "abcd":
        run.send(name, hold=True)
    run.send("here", HERE)
    run.until(lambda: "here" in run.ends)
    assert run.kind("here") == "done"
    run.send("long", HERE, hold=True)
    run.queue.skip(run.jobs[0])
    run.until(lambda: "a" in run.ends)
    generating(run, 3)
    assert len(run.queue.running) == 4


def test_what_a_process_takes_along_is_made_by_another(run: Places) -> None:
    run.send("a", hold=True)
    run.send("b", die=True)
    run.until(lambda: "b" in run.ends, 40)
    assert run.kind("b") == "done"
    generating(run, 1)
    assert "a" not in run.ends
    run.send("c", die="always")
    run.until(lambda: "c" in run.ends, 40)
    assert run.kind("c") == "crashed"


def test_another_cluster_takes_the_place_of_the_former(run: Places) -> None:
    run.send("a")
    run.until_done()
    pid = run.far[0].engine_pid
    assert pid is not None
    run.send("b", "other:1")
    run.until_done()
    assert not run.far
    assert not psutil.pid_exists(pid)
    end = run.ends["b"]
    assert isinstance(end, Done)
    assert end.document["pid"] != pid


def test_devices_of_this_computer_work_side_by_side(
    run: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACES", "2")
    for name in "abc":
        run.send(name, HERE, hold=name != "c")
    run.until(lambda: len(run.queue.running) == 2)
    assert len({session.engine_pid for session in run.queue.sessions}) == 2
