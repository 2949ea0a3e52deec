"""A task in the background: it names itself, can be cancelled, and ends in one of three ways."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from engine.contract.errors import Cancelled, EngineError
from mixdiff_blender.backend.background_task import (
    BackgroundTask,
    Broken,
    Finished,
    Idle,
    Running,
    TaskProgress,
)
from mixdiff_blender.backend.installation.install import STEPS
from mixdiff_blender.backend.pump import Pump
from mixdiff_blender.backend.wording import task_text

DOING = "the model owner/name is being downloaded"


class Held:
    """A task whose steps go on when they are let."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.task: BackgroundTask = BackgroundTask()
        self.go_on = threading.Event()
        self._then = then

    def start(self) -> None:
        self.go_on.clear()
        self.task.start(DOING, TaskProgress(title=STEPS[0]), self._steps())

    def _steps(self) -> Iterator[TaskProgress]:
        yield TaskProgress(title=STEPS[3], done_bytes=1_000_000, total_bytes=4_000_000)
        assert self.go_on.wait(20)
        if self.task.is_cancelled():
            raise Cancelled
        self._then()

    def until_end(self) -> object:
        self.go_on.set()
        self.task.pump(20)
        assert not self.task.is_active
        return self.task.state


def test_a_second_one_is_refused_in_the_words_of_the_first() -> None:
    held = Held()
    held.start()
    with pytest.raises(EngineError) as caught:
        held.task.start("the engine is being installed", TaskProgress(title=STEPS[0]), iter(()))
    assert caught.value.kind == "busy"
    assert caught.value.message == DOING
    assert isinstance(held.until_end(), Finished)
    held.start()
    held.until_end()


def test_it_says_how_far_it_is_and_that_it_is_being_cancelled() -> None:
    held = Held()
    pump = Pump(held.task)
    texts = []

    def show() -> None:
        if isinstance(held.task.state, Running):
            texts.append((task_text(held.task.state), held.task.state.progress.share))

    pump.on_change.append(show)
    held.start()
    while not (texts and texts[-1][1]):
        pump.run(wait_s=0.01)
    assert texts[-1] == ("Fetching the packages: 1.0 MB of 4.0 MB", 0.25)
    held.task.cancel()
    pump.run()
    assert texts[-1][0] == "Cancelling…"
    assert isinstance(held.until_end(), Idle)


def test_an_error_is_kept_until_the_next_one_begins() -> None:
    def fail() -> None:
        raise EngineError("the network broke off", kind="network")

    held = Held(fail)
    held.start()
    state = held.until_end()
    assert isinstance(state, Broken)
    assert state.error.kind == "network"
    held.start()
    assert isinstance(held.task.state, Running)
    held.until_end()


def test_what_nobody_foresaw_is_an_error_too_and_names_the_task() -> None:
    held = Held(lambda: [].pop())
    held.start()
    state = held.until_end()
    assert isinstance(state, Broken)
    assert state.error.kind == "internal"
    assert DOING in state.error.message
    assert "IndexError" in state.error.message
