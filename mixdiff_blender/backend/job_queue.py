"""The jobs that wait, and who runs them: each goes to the first engine that is free."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..contract import Cancelled, EngineError
from .session import Job, JobRequest, Outcome, Session


class JobQueue:
    """Hands jobs to engines in their order; whoever owns it calls `pump` from one thread."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = tuple(sessions)
        self._waiting: list[Job] = []

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs that are under way."""
        return tuple(session.job for session in self.sessions if session.job)

    @property
    def waiting(self) -> tuple[Job, ...]:
        """The jobs that wait for an engine, in the order in which they will run."""
        return tuple(self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether a job is under way or waits, from `add` until its end is notified."""
        return bool(self.running or self._waiting)

    @property
    def state(self) -> object:
        """What the engines do, and what waits."""
        return tuple(session.state for session in self.sessions), self.waiting

    @property
    def is_active(self) -> bool:
        """Whether an engine owes an answer."""
        return any(session.is_active for session in self.sessions)

    def add(self, request: JobRequest, on_end: Callable[[Outcome], None]) -> Job:
        """Begin a job, or have it wait for those before it.

        `on_end` is called from `pump`, or from what ended the job.

        Raises: EngineError of kind `environment` where the engine cannot be started for it.
        """
        job = Job(request=request, on_end=on_end)
        if not self._waiting and (session := self._free_session()):
            session.generate(job)
        else:
            self._waiting.append(job)
        return job

    def move(self, job: Job, places: int) -> None:
        """Move a waiting job towards the end of the queue, or by a negative number to its front."""
        if job in self._waiting:
            index = self._waiting.index(job)
            self._waiting.remove(job)
            self._waiting.insert(max(0, index + places), job)

    def remove(self, *jobs: Job) -> None:
        """Take jobs out of the queue, all before another begins; those under way are cancelled."""
        removed = [job for job in self._waiting if job in jobs]
        self._waiting = [job for job in self._waiting if job not in jobs]
        for job in removed:
            job.on_end(Cancelled())
        for session in self.sessions:
            if session.job in jobs:
                session.cancel()
        self._hand_out()

    def cancel(self) -> None:
        """Ask the jobs under way to stop, as `Session.cancel` does."""
        self.remove(*self.running)

    def pump(self, wait_s: float = 0.0) -> None:
        """Take in what the engines have reported, waiting for a message at most so long."""
        for session in self.sessions:
            session.pump(wait_s / len(self.sessions))
        self._hand_out()

    def stop(self) -> None:
        """End the engines, and all jobs."""
        waiting, self._waiting = self._waiting, []
        for session in self.sessions:
            session.stop()
        for job in waiting:
            job.on_end(Cancelled())

    def _free_session(self) -> Session | None:
        return next((session for session in self.sessions if session.job is None), None)

    def _hand_out(self) -> None:
        while self._waiting and (session := self._free_session()):
            job = self._waiting.pop(0)
            try:
                session.generate(job)
            except EngineError as error:
                job.on_end(error)
