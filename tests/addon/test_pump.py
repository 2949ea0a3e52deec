"""One pump moves engines and tasks on; those who subscribed are notified of changes alone."""

from __future__ import annotations

from mixdiff_blender.backend.pump import Pump
from mixdiff_blender.backend.states import Ready
from tests.addon.conftest import Run


class Counted:
    """A source that has something to say when it is pumped."""

    def __init__(self) -> None:
        self.state = 0
        self.coming = 0

    @property
    def is_active(self) -> bool:
        return self.coming > 0

    def pump(self, wait_s: float = 0.0) -> None:
        if self.coming:
            self.coming -= 1
            self.state += 1


def test_subscribers_are_notified_once_for_each_run_that_changed_something() -> None:
    one, other = Counted(), Counted()
    pump = Pump(one)
    pump.sources.append(other)
    changes: list[tuple[int, int]] = []
    runs: list[None] = []
    pump.on_change.append(lambda: changes.append((one.state, other.state)))
    pump.on_run.append(lambda: runs.append(None))
    pump.notify()
    one.coming = other.coming = 1
    assert pump.run()
    assert not pump.run()
    assert changes == [(0, 0), (1, 1)]
    assert len(runs) == 2
    other.state = 7  # by somebody else: seen by the next run
    pump.run()
    assert changes[-1] == (1, 7)


def test_a_pump_moves_jobs_on_until_they_have_ended(run: Run) -> None:
    states = []
    pump = Pump(run.queue)
    pump.on_change.append(lambda: states.append(type(run.state).__name__))
    for name in "ab":
        run.add(name)
    pump.notify()  # as whoever adds a job does: a quick engine is past its start by the first run
    while pump.run(wait_s=0.05):
        pass
    assert list(run.ends) == ["a", "b"]
    assert isinstance(run.state, Ready)
    assert states[0] == "Starting"
    assert states[-1] == "Ready"
