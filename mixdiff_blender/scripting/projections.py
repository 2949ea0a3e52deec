"""What is projected onto a scene's objects, baked to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import bpy

from ..backend import engine
from ..contract import EngineError
from ..job.naming import find_name
from ..job.overrides import depsgraph_of
from ..results.baking.task import Baked, BakeOptions, plans_of, task
from ..results.projection import is_projected
from .scenes import SceneOrName, absolute, find_scene

__all__ = ("Baked", "bake")


def bake(
    objects: Iterable[bpy.types.Object | str] = (),
    scene: SceneOrName = None,
    *,
    size: int = 2048,
    margin: int = 16,
    new_uv_map: bool = False,
    put_on: bool = False,
    output: Path | str | None = None,
) -> tuple[Baked, ...]:
    """Bake what is projected onto objects, or onto all, to a picture of each one's UV map.

    The pictures lie in the scene's folder, or in `output`, a folder. `new_uv_map` uses a UV map
    named MixDiff without overlaps, made where there is none; objects without any get it anyhow.
    `put_on` shows the pictures on the objects in place of the projection. `size` is 16 to 8192.

    Raises: EngineError of kind `name` for an object that there is not; of kind `job` where one of
    them cannot be baked, before any is; of kind `output`.
    """
    found = find_scene(scene)
    known = {obj.name: obj for obj in found.objects}
    chosen = [find_name("object", one, known) if isinstance(one, str) else one for one in objects]
    options = BakeOptions(
        size_px=size,
        margin_px=margin,
        new_uv_map=new_uv_map,
        put_on=put_on,
        folder=None if output is None else absolute(output),
    )
    chosen = chosen or [obj for obj in found.objects if is_projected(obj)]
    if not chosen:
        raise EngineError("nothing is projected", kind="job", advice="project a picture first")
    plans, refused = plans_of(found, lambda: depsgraph_of(found), chosen, options)
    if refused:
        for plan in plans:
            plan.give_up()
        why = "; ".join(f"{name}: {text}" for name, text in refused.items())
        raise EngineError(f"not all can be baked: {why}", kind="job")
    ends: list[Sequence[Baked]] = []
    task.start(plans, options, ends.append)
    while task.is_active:
        engine.pump.run(wait_s=0.05)
    if task.error:
        raise task.error
    return tuple(ends[0])
