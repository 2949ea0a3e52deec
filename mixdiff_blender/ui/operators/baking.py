"""Baking what is projected to pictures of the objects' UV maps."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...properties.contexts import scene_in, view_layer_in
from ...properties.declarations import BoolProperty, EnumProperty, IntProperty
from ...results.baking.task import BakeOptions, plans_of, task
from ...results.projection import is_projected
from .base import ReportingOperator, UndoableOperator, entries, require
from .result_use import OBJECT_MENU
from .selection import selected_with_surface


def _objects(context: Any) -> list[bpy.types.Object]:
    """Return the selected objects with a projection; where none is, all of the view layer."""
    selected = [obj for obj in selected_with_surface(context) if is_projected(obj)]
    return selected or [obj for obj in view_layer_in(context).objects if is_projected(obj)]


class BakeProjection(UndoableOperator):
    """Bake what is projected onto the selected objects, or onto all, to a picture of each UV map"""

    bl_idname = "mixdiff.bake_projection"
    bl_label = "Bake MixDiff Projection"
    icon = "UV_DATA"
    requirements = (require(_objects, "Nothing is projected yet; project a picture first"),)

    size: int = IntProperty(
        name="Resolution",
        description="How many pixels the picture of each object is wide and high",
        default=2048,
        min=16,
        max=8192,
        subtype="PIXEL",
    )
    margin: int = IntProperty(
        name="Margin",
        description="By how many pixels colours go on beyond the borders of UV islands",
        default=16,
        min=0,
        max=256,
        subtype="PIXEL",
    )
    uv_map: str = EnumProperty(
        name="UV Map",
        items=[
            (
                "OWN",
                "Its Own",
                "The UV map that renders use; a new one where there is none, or it repeats",
            ),
            (
                "NEW",
                "A New One",
                "A UV map named MixDiff in which no face lies over another, beside the others",
            ),
        ],
    )
    put_on = BoolProperty(
        name="Put It On",
        description="Show the baked picture on the objects, in place of the projection",
    )

    def run(self, context: Any) -> None:
        """Begin to bake.

        Raises: EngineError where nothing can be baked.
        """
        options = BakeOptions(
            size_px=self.size,
            margin_px=self.margin,
            new_uv_map=self.uv_map == "NEW",
            put_on=self.put_on,
        )
        plans, refused = plans_of(
            scene_in(context), context.evaluated_depsgraph_get, _objects(context), options
        )
        why = "; ".join(f"{name}: {text}" for name, text in refused.items())
        if not plans:
            raise EngineError("Nothing can be baked", kind="job", advice=why)
        if why:
            self.report({"WARNING"}, f"Not baked: {why}")
        task.start(plans, options)
        # In a window it is not there yet, and the panel says it.
        for number, line in enumerate(task.outcome):
            self.report({"WARNING"} if number else {"INFO"}, line)


class CancelBake(ReportingOperator):
    """End the bake; what is ready stays in the folder"""

    bl_idname = "mixdiff.cancel_bake"
    bl_label = "Cancel MixDiff Bake"
    icon = "X"
    requirements = (require(lambda _: task.is_active, "Nothing is being baked"),)

    def run(self, context: Any) -> None:
        """End it."""
        task.cancel()


def draw_bake(layout: Any) -> None:
    """Draw what bakes the projection, and how far that is."""
    progress = task.progress
    if progress is None:
        BakeProjection.button(layout, "Bake Projection")
        return
    row = layout.row(align=True)
    row.progress(factor=progress.share, text=f"Baking {progress.title}")
    CancelBake.button(row, "")


CLASSES = (BakeProjection, CancelBake)
MENUS = ((OBJECT_MENU, entries(BakeProjection.button)),)
