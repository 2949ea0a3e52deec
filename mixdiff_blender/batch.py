"""Several pictures of one scene, each with another seed, one after the other."""

from __future__ import annotations

import bpy

from . import generation
from .contract import SEED, EngineError
from .generation import Prepared, Target
from .properties import canvas_settings
from .session import Outcome

_left: list[int | None] = []


def left() -> int:
    """Return how many pictures are still to come after the one that is being made."""
    return len(_left)


def begin(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, count: int) -> None:
    """Begin to make pictures of the scene as it is now.

    The seeds count up from the scene's; without one each is drawn at random. The first that is
    cancelled or fails is the last.

    Raises: EngineError where the first cannot begin.
    """
    prepared = generation.prepare(scene, depsgraph)
    _left[:] = _seeds(canvas_settings(scene).seed, count)
    _send_next(Target.of(scene), prepared)


def _seeds(first: int | None, count: int) -> list[int | None]:
    if first is None:
        return [None] * count
    return [(first + number) % (int(SEED.maximum or 0) + 1) for number in range(count)]


def _send_next(target: Target, prepared: Prepared) -> None:
    scene = target.find()
    if scene is None:
        _left.clear()
        return
    one = Prepared(
        document={**prepared.document, "seed": _left.pop(0)},
        folder=prepared.folder,
        setting=prepared.setting,
        job=prepared.job,
    )

    def then(outcome: Outcome) -> None:
        if isinstance(outcome, EngineError):
            _left.clear()
        elif _left:
            _go_on(target, prepared)

    try:
        generation.send(scene, one, then=then)
    except EngineError:
        _left.clear()
        raise


def _go_on(target: Target, prepared: Prepared) -> None:
    try:
        _send_next(target, prepared)
    except EngineError:
        return  # the report has it
