"""A look of Live's on its way: its pictures are written, then the engine makes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..backend import engine
from ..backend.background_task import BackgroundTask, Broken, TaskProgress
from ..backend.states import Done, JobRequest, Outcome
from ..backend.states import Job as QueuedJob
from ..contract import to_document
from ..job.regions.reader import PictureToWrite
from .live_looks import Look
from .made_already import Made

_A_LITTLE_S = 0.01
"""What writing may be waited for: small masks are there by then, and are sent at once."""


@dataclass(slots=True, kw_only=True, eq=False)
class Making:
    """A look, and the folder that it needs until nobody wants it any more."""

    change: int
    look: Look
    folder: Path
    writing: BackgroundTask = field(default_factory=BackgroundTask)
    queued: QueuedJob | None = None
    done: Done | None = None
    is_unwanted: bool = False

    @property
    def made(self) -> Made | None:
        """The picture itself, where it is there: no quick look is a result."""
        if self.done is None or not self.look.is_full:
            return None
        return Made(job=self.look.job, folder=self.folder, done=self.done)

    def write(self, images: Mapping[str, PictureToWrite]) -> None:
        """Write the pictures that its job names, in a thread what needs no Blender.

        Raises: EngineError of kind `picture` or `output`.
        """
        aside: dict[str, PictureToWrite] = {}
        for name, wanted in images.items():
            if wanted.is_read():
                aside[name] = wanted
            else:
                wanted.write(self.folder / name)
        if aside:
            steps = _written(aside, self.folder, self.writing.is_cancelled)
            self.writing.start("Live", TaskProgress(title="Live"), steps)
            self.writing.pump(_A_LITTLE_S)

    def send(self, on_end: Callable[[Outcome], None]) -> None:
        """Have the engine make what is written, once.

        Raises: EngineError, also of what could not be written.
        """
        if self.writing.is_active or self.queued is not None:
            return
        if isinstance(self.writing.state, Broken):
            raise self.writing.state.error
        request = JobRequest(
            document=to_document(self.look.job),
            folder=self.folder,
            output=self.folder / "picture.png",
            gives_way=True,
        )
        self.queued = engine.queue.add(request, on_end)

    def clear_away(self) -> bool:
        """Remove its folder, unless something is still written into it; return whether."""
        if self.writing.is_active:
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        return True


def _written(
    images: Mapping[str, PictureToWrite], folder: Path, is_cancelled: Callable[[], bool]
) -> Iterator[TaskProgress]:
    for name, wanted in images.items():
        if is_cancelled():
            return
        wanted.write(folder / name)
        yield TaskProgress(title="Live")
