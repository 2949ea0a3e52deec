"""What was read of objects, kept until Blender tells of a change: while others are dragged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import bpy

from .twins import is_echo

_MOST_POINTS = 2**22

T = TypeVar("T")


class UntilChanged(Generic[T]):
    """Keeps a value an object of a scene, up to so many points in all."""

    def __init__(self, *, moves: bool) -> None:
        """`moves` tells whether an object that moves has changed."""
        self._moves = moves
        self._kept: dict[tuple[int, int], tuple[T, int, frozenset[int]]] = {}
        _stores.append(self)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._kept

    def get(self, scene: bpy.types.Scene, obj: bpy.types.Object) -> T | None:
        """Return what is kept of an object."""
        kept = self._kept.get(_key(scene, obj))
        return kept[0] if kept else None

    def keep(
        self,
        scene: bpy.types.Scene,
        obj: bpy.types.Object,
        value: T,
        points: int,
        also: Iterable[int] = (),
    ) -> None:
        """Keep a value of so many points, until the object changes, or one of these `also`."""
        if sum(kept for _, kept, _ in self._kept.values()) > _MOST_POINTS:
            self.clear()
        key = _key(scene, obj)
        self._kept[key] = value, points, frozenset((*key, *also))

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def drop(self, shaped: set[int], moved: set[int]) -> None:
        """Forget what has changed."""
        changed = shaped | moved if self._moves else shaped
        for key in [k for k, (*_, uids) in self._kept.items() if not uids.isdisjoint(changed)]:
            del self._kept[key]


_stores: list[UntilChanged[Any]] = []


def _key(scene: bpy.types.Scene, obj: bpy.types.Object) -> tuple[int, int]:
    return scene.session_uid, obj.session_uid


def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if is_echo() or depsgraph.mode != "VIEWPORT":
        return
    updates: Any = depsgraph.updates
    shaped = {u.id.original.session_uid for u in updates if u.is_updated_geometry}
    moved = {u.id.original.session_uid for u in updates if u.is_updated_transform}
    for store in _stores if shaped or moved else ():
        store.drop(shaped, moved)


def _after_change(*_: Any) -> None:
    for store in _stores:
        store.clear()


def unregister() -> None:
    """Forget everything."""
    _after_change()


HANDLERS = {
    "depsgraph_update_post": _after_update,
    "frame_change_post": _after_change,
    "undo_post": _after_change,
    "redo_post": _after_change,
    "load_post": _after_change,
}
