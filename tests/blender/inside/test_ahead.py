"""The engine that starts when the tab is opened, before anybody asks for a picture."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
from addon import Ready, ahead, engine, generation, idle, preferences, session, stop, wait

HOSTS = "oldest and newest"


class Window:
    """What a tab sees of a Blender that has a window: the timers that it asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.timers = SimpleNamespace(
            is_registered=lambda timer: timer in self.asked,
            register=lambda timer, first_interval: self.asked.append(timer),
        )
        self.app = SimpleNamespace(background=False, timers=self.timers)
        self.context = bpy.context


@pytest.fixture
def tab(street: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """A tab that nobody has opened, and no engine that runs."""
    stop()
    street.mixdiff.model = "bundled"
    monkeypatch.setattr(session, "was_used", False)
    ahead.register()
    window = Window()
    monkeypatch.setattr(ahead, "bpy", window)
    yield window
    stop()


def until_ready() -> None:
    end = time.monotonic() + 120
    while not isinstance(session.state, Ready):
        assert time.monotonic() < end, session.state
        assert session.not_ahead is None
        engine.pump.run(wait_s=0.1)


@pytest.fixture
def chosen() -> Iterator[Any]:
    chosen = bpy.context.preferences.addons["bl_ext.user_default.mixdiff"].preferences
    yield chosen
    chosen.start_ahead = True


def test_without_a_window_a_tab_that_is_drawn_starts_nothing(street: Any) -> None:
    stop()
    assert bpy.app.background
    ahead.register()
    ahead.tab_is_drawn()
    assert not bpy.app.timers.is_registered(ahead.begin)
    assert session.engine_pid is None


def test_the_tab_starts_the_engine_the_first_time_and_drawing_itself_starts_nothing(
    tab: Window, street: Any
) -> None:
    ahead.tab_is_drawn()
    ahead.tab_is_drawn()
    assert tab.asked == [ahead.begin]
    assert session.engine_pid is None
    tab.asked.pop()()
    assert session.engine_pid is not None
    until_ready()
    assert session.has_model
    pid = session.engine_pid
    ahead.tab_is_drawn()
    assert tab.asked == []

    generation.begin(street, bpy.context.evaluated_depsgraph_get())
    wait()
    assert session.engine_pid == pid
    stop()
    ahead.tab_is_drawn()  # who has ended it wants it ended
    assert tab.asked == []


def test_the_preference_keeps_it_from_starting_until_it_is_wanted(tab: Window, chosen: Any) -> None:
    assert chosen.start_ahead
    chosen.start_ahead = False
    ahead.tab_is_drawn()
    assert tab.asked == []
    chosen.start_ahead = True
    ahead.tab_is_drawn()
    assert tab.asked == [ahead.begin]


@pytest.mark.parametrize("model", ["owner/name", "//models/house.safetensors"])
def test_another_model_than_the_bundled_one_is_not_loaded_before_it_is_asked_for(
    model: str, tab: Window, street: Any
) -> None:
    street.mixdiff.model = model
    ahead.begin()
    until_ready()
    assert not session.has_model


def test_an_engine_that_nobody_used_is_ended_after_a_while(tab: Window) -> None:
    ahead.begin()
    until_ready()
    now, quiet_s = time.monotonic(), preferences.idle_minutes() * 60
    idle.look(now)
    idle.look(now + quiet_s - 30)  # a model that is being loaded is no work
    assert session.engine_pid is not None
    idle.look(now + quiet_s + 1)
    assert session.engine_pid is None


def test_an_engine_that_cannot_start_is_no_failure_of_anything(
    tab: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXDIFF_ENGINE_PYTHON", "/nothing/here")
    ahead.begin()
    assert "/nothing/here" in str(session.not_ahead)
    assert session.engine_pid is None
    assert not engine.queue.is_busy
