"""What a camera is to look at for regions' silhouettes, and what it saw last: also in a thread.

What is read of a scene needs Blender's thread; looking at it is arithmetic, and takes longer. The
overlay and Live read again and again while somebody works: they have it looked at aside, and make
do with what was seen a moment ago until it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .kept_drawing import key_of_piece, key_of_view
from .pieces import Piece
from .projection import CameraView, Canvas
from .silhouettes import SHOWN_PARTS, Silhouette, Silhouettes

_Key = tuple[Any, ...]
Shown = Sequence[tuple[int, Sequence[Piece]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """All that can be seen, each with its region's number, and the regions that are asked for."""

    view: CameraView
    canvas: Canvas
    shown: Shown
    wanted: Mapping[str, tuple[int, int]]
    """The number of each region and how wide its soft edge is in pixels, by its id."""

    @cached_property
    def key(self) -> _Key:
        """What tells it from others; the arrays of pieces are kept, and never changed."""
        pieces = tuple(key_of_piece(number, piece) for number, some in self.shown for piece in some)
        return self.canvas, key_of_view(self.view), tuple(self.wanted.items()), pieces


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What was seen of regions."""

    sight: Sight
    silhouettes: Silhouettes
    by_id: Mapping[str, Silhouette | None] = field(repr=False)

    @classmethod
    def of(cls, sight: Sight) -> Seen:
        """Look, in whatever thread."""
        silhouettes = Silhouettes(sight.view, sight.canvas, sight.shown)
        found = {id_: silhouettes.of(*wanted) for id_, wanted in sight.wanted.items()}
        for one in found.values():
            if one is not None:
                one.coverage.small(SHOWN_PARTS)  # kept with it, for the overlay
        return cls(sight=sight, silhouettes=silhouettes, by_id=found)


_last: Seen | None = None


def seen_now(sight: Sight) -> Seen:
    """Return what is seen: looked at now, or kept since the same was looked at last."""
    global _last
    if _last is None or _last.sight.key != sight.key:
        _last = Seen.of(sight)
    return _last


class Aside:
    """Has one scene's sights looked at in a thread; asked in Blender's thread alone."""

    def __init__(self) -> None:
        self.moment: object = None
        """What is another one after each change of the scene: some arrays are new at each reading,
        though nothing has changed."""
        self.is_behind = False
        """Whether what was given last was seen before the scene was as it is."""
        self.looked_s = 0.0
        """How long the last look took."""
        self._last: tuple[object, Seen] | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_looking(self) -> bool:
        """Whether a look is under way."""
        return self._thread is not None and self._thread.is_alive()

    def seen(self, sight: Sight) -> Seen | None:
        """Return what is seen, or what was seen last of the same canvas, or nothing yet.

        Raises: what went wrong when it was looked at.
        """
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        moment, last = self._last or (None, None)
        is_like = last is not None and last.sight.canvas == sight.canvas
        if last is not None and is_like and last.sight.wanted == sight.wanted:
            is_same = moment == self.moment or last.sight.key == sight.key
            if is_same:
                return last
        self.is_behind = True
        if not self.is_looking:
            ask = (self.moment, sight)
            self._thread = threading.Thread(target=self._look, args=ask, name="mixdiff_look")
            self._thread.daemon = True
            self._thread.start()
        return last if is_like else None

    def _look(self, moment: object, sight: Sight) -> None:
        began_s = time.monotonic()
        try:
            self._last = moment, seen_now(sight)
        except Exception as error:
            self._error = error
        self.looked_s = time.monotonic() - began_s


def _after_load(*_: Any) -> None:
    unregister()


def unregister() -> None:
    """Forget what was seen."""
    global _last
    _last = None


HANDLERS = {"load_post": _after_load}
