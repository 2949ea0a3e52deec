"""One installation at a time, in a thread of its own; whoever owns it looks at its state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from ...contract import Cancelled, EngineError
from .install import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing is being installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installing:
    """How far it is."""

    progress: Progress
    is_cancelling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """It is through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """It ended before it was through; what had arrived is kept."""

    error: EngineError


InstallationState = Idle | Installing | Installed | Broken


class Task:
    """Runs an installation; `state` may be read from any thread."""

    def __init__(self) -> None:
        self.state: InstallationState = Idle()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether an installation is under way."""
        return self._thread is not None and self._thread.is_alive()

    def is_cancelled(self) -> bool:
        """Tell the installation whether it is still wanted."""
        return self._cancelled.is_set()

    def start(self, steps: Iterator[Progress]) -> None:
        """Begin; `steps` asks `is_cancelled` as it goes.

        Raises: EngineError of kind `busy` while another one runs.
        """
        if self.is_running:
            raise EngineError("the engine is being installed", kind="busy", advice="wait for it")
        self._cancelled.clear()
        self.state = Installing(progress=Progress(step=0))
        self._thread = threading.Thread(target=self._run, args=(steps,), name="mixdiff_install")
        self._thread.daemon = True
        self._thread.start()

    def cancel(self) -> None:
        """Ask for the end; it comes within a second."""
        self._cancelled.set()
        if isinstance(self.state, Installing):
            self.state = Installing(progress=self.state.progress, is_cancelling=True)

    def wait(self, seconds: float | None = None) -> None:
        """Return when it has ended, or the time is up."""
        if self._thread:
            self._thread.join(seconds)

    def _run(self, steps: Iterator[Progress]) -> None:
        try:
            for progress in steps:
                self.state = Installing(progress=progress, is_cancelling=self.is_cancelled())
        except Cancelled:
            self.state = Idle()
        except EngineError as error:
            self.state = Broken(error=error)
        except Exception as error:
            what = f"the installation failed: {type(error).__name__}: {error}"
            self.state = Broken(error=EngineError(what, kind="internal", advice="try it again"))
        else:
            self.state = Installed()
