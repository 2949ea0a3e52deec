"""The jobs that wait, and who runs them: each goes to the first engine that is free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..contract import Cancelled, EngineError
from .session import Session
from .states import HERE, Cancelling, Done, Generating, Job, JobRequest, Outcome, Skipped

_MOST_TRIES = 3

Hire = Callable[[str, int], Session]


class JobQueue:
    """Hands jobs to engines in their order; whoever owns it calls `pump` from one thread."""

    def __init__(self, sessions: Sequence[Session], *, hire: Hire | None = None) -> None:
        """`hire` makes the n-th engine of a place, as many as the place's first says there are."""
        self.sessions = tuple(sessions)
        self._hire = hire
        self._waiting: list[Job] = []
        self._skipped: set[int] = set()

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
    def is_awaited(self) -> bool:
        """Whether somebody asked for a job that is under way or waits."""
        return any(not job.request.gives_way for job in (*self.running, *self._waiting))

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

        `on_end` is called from `pump`, or from what ended the job. What gives way is skipped.

        Raises: EngineError of kind `environment` where the engine cannot be started for it.
        """
        tries = 1

        def end(outcome: Outcome) -> None:
            nonlocal tries
            is_lost = isinstance(outcome, EngineError) and outcome.kind == "crashed"
            if is_lost and request.place != HERE and tries < _MOST_TRIES:
                tries += 1
                self._waiting.insert(0, job)  # what a cluster loses is made again
                return
            on_end(self._as_asked(job, outcome))

        job = Job(request=request, on_end=end)
        if not request.gives_way:
            self.have_way()
        is_first = not any(waiting.request.place == request.place for waiting in self._waiting)
        if is_first and (session := self._free_session(request.place)):
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

    def remove(self, *jobs: Job, patiently: bool = False) -> None:
        """Take jobs out of the queue, all before another begins; those under way are cancelled.

        `patiently` is as `Session.cancel` has it.
        """
        removed = [job for job in self._waiting if job in jobs]
        self._waiting = [job for job in self._waiting if job not in jobs]
        for job in removed:
            job.on_end(Cancelled())
        for session in self.sessions:
            if session.job in jobs:
                session.cancel(patiently=patiently)
        self._hand_out()

    def skip(self, job: Job, *, patiently: bool = False) -> None:
        """Take one job out, waiting or not; it ends as Skipped, and nothing else with it."""
        self._skipped.add(id(job))
        self.remove(job, patiently=patiently)

    def have_way(self) -> None:
        """Take out all that gives way."""
        for job in (*self.running, *self._waiting):
            if job.request.gives_way and id(job) not in self._skipped:
                self.skip(job, patiently=True)

    def _as_asked(self, job: Job, outcome: Outcome) -> Outcome:
        if id(job) not in self._skipped:
            return outcome
        self._skipped.discard(id(job))
        if isinstance(outcome, Done):  # too late: there it is
            return replace(outcome, was_cancelled=False)
        return Skipped() if outcome.kind == "cancelled" else outcome

    def share_of(self, job: Job) -> float:
        """Return how much of a job is done."""
        for session in self.sessions:
            if isinstance(session.state, Generating) and session.state.job is job:
                return session.state.progress.share
        return 0.0

    def count(self, place: str) -> int:
        """Return how many engines work at a place at once, as far as is known."""
        return max(sum(session.place == place for session in self.sessions), 1)

    def cancel(self, *, again: bool = True) -> None:
        """Ask the jobs under way to stop, as `Session.cancel` does; `again` those asked before."""
        sessions = [s for s in self.sessions if again or not isinstance(s.state, Cancelling)]
        self.remove(*(session.job for session in sessions if session.job))

    def pump(self, wait_s: float = 0.0) -> None:
        """Take in what the engines have reported, waiting for a message at most so long."""
        for session in self.sessions:
            session.pump(wait_s / len(self.sessions))
        for session in self.sessions:
            self._fill(session.place, session.count)
        self._hand_out()

    def stop(self) -> None:
        """End the engines, and all jobs."""
        waiting, self._waiting = self._waiting, []
        for session in self.sessions:
            session.stop()
        for job in waiting:
            job.on_end(Cancelled())

    def _free_session(self, place: str) -> Session | None:
        self._fill(place, 1)
        own = (session for session in self.sessions if session.place == place)
        return next((session for session in own if session.job is None), None)

    def _fill(self, place: str, count: int) -> None:
        """Have a place's engines as many as it can have; another cluster's, idle now, are left."""
        if self._hire is None:
            return
        own = sum(session.place == place for session in self.sessions)
        if own == 0:
            kept = [s for s in self.sessions if s.place == HERE or s.job is not None]
            for session in set(self.sessions) - set(kept):
                session.stop()
            self.sessions = tuple(kept)
        self.sessions += tuple(self._hire(place, number) for number in range(own, count))

    def _hand_out(self) -> None:
        full = set[str]()
        for job in tuple(self._waiting):
            place = job.request.place
            session = None if place in full else self._free_session(place)
            if session is None:
                full.add(place)
                continue
            self._waiting.remove(job)
            try:
                session.generate(job)
            except EngineError as error:
                job.on_end(error)
