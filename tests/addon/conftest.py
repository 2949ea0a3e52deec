"""Engines that misbehave, the jobs that they were given, and what came of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.contract.errors import EngineError
from mixdiff_blender.backend import session as session_module
from mixdiff_blender.backend.client import EngineClient, Launch
from mixdiff_blender.backend.job_queue import JobQueue
from mixdiff_blender.backend.session import Session
from mixdiff_blender.backend.states import Generating, Job, JobRequest, Outcome, State

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
GRACE_S = 0.4


class Run:
    """A queue, the faults of the engines that it will start, and what came of its jobs."""

    def __init__(self, folder: Path, *, engines: int = 1) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.started = 0
        self.ends: dict[str, Outcome] = {}
        self.jobs: list[Job] = []
        self.queue = JobQueue([Session(self._connect) for _ in range(engines)])

    @property
    def session(self) -> Session:
        return self.queue.sessions[0]

    @property
    def state(self) -> State:
        return self.session.state

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
        return self._add(self.request(name, **job))

    def add_by_itself(self, name: str, **job: Any) -> Job:
        """Add what nobody asked for."""
        return self._add(replace(self.request(name, **job), gives_way=True))

    def _add(self, request: JobRequest) -> Job:
        name = request.output.stem

        def keep(outcome: Outcome) -> None:
            assert name not in self.ends, "a job ended twice"
            self.ends[name] = outcome

        self.jobs.append(self.queue.add(request, keep))
        return self.jobs[-1]

    def request(self, name: str, **job: Any) -> JobRequest:
        return JobRequest(document=job, folder=self.folder, output=self.folder / f"{name}.png")

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.queue.state, self.ends)
            self.queue.pump(wait_s=0.02)

    def until_done(self) -> None:
        self.until(lambda: not self.queue.is_busy)

    def until_generating(self) -> None:
        self.until(lambda: isinstance(self.state, Generating))

    def kind(self, name: str) -> str:
        end = self.ends[name]
        return end.kind if isinstance(end, EngineError) else "done"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(session_module, "CANCEL_GRACE_S", GRACE_S)
    run = Run(tmp_path)
    yield run
    run.queue.stop()
