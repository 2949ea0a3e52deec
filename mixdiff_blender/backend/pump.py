"""Moves everything on that goes by itself, and notifies those who show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Source(Protocol):
    """Something that goes on by itself: engines, a task in the background."""

    @property
    def state(self) -> object:
        """What is compared to find a change."""

    @property
    def is_active(self) -> bool:
        """Whether something is to be expected of it soon."""

    def pump(self, wait_s: float = 0.0) -> None:
        """Take in what has happened, waiting for something at most so long."""


class Pump:
    """Runs in one thread: Blender's."""

    def __init__(self, *sources: Source) -> None:
        self.on_change: list[Callable[[], None]] = []
        """Called after a run in which something has changed."""
        self.on_run: list[Callable[[], None]] = []
        """Called after each run, for those who watch the clock."""
        self.hurries: list[Callable[[], bool]] = []
        """Asked after each run whether somebody waits for the next step."""
        self.sources = list(sources)
        self._notified: tuple[object, ...] = ()

    def run(self, wait_s: float = 0.0) -> bool:
        """Move everything on, waiting so long for something; return whether to come again soon."""
        # Asked before the states are: what ends in between is seen by one run more.
        is_active = any(source.is_active for source in self.sources)
        for source in self.sources:
            source.pump(wait_s / len(self.sources))
        self.notify()
        for on_run in tuple(self.on_run):
            on_run()
        return is_active

    @property
    def is_urgent(self) -> bool:
        """Whether to come again sooner than usual."""
        return any(hurries() for hurries in self.hurries)

    def notify(self) -> None:
        """Notify of what has changed since the last time."""
        now = tuple(source.state for source in self.sources)
        if now != self._notified:
            self._notified = now
            for on_change in tuple(self.on_change):
                on_change()
