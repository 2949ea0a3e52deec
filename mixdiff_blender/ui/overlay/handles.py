"""Handles on the active drawn region in the camera's view, whatever the tool."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ...contract import EngineError
from ...job.regions.camera import canvas_of
from ...job.regions.drawn_rectangles import drawn_rectangle, may_be_drawn
from ..dragging import is_camera_view
from ..grips import HANDLES, box_of, grip_at
from ..moving import reach_px
from ..operators.placing import PlaceRegion
from .boxes import Box
from .frame import frame_in

_gpu: Any = gpu  # whose stubs do not say that its functions return anything

_SIDE_PX = 9  # of a handle, at the interface's scale 1
_EDGE = (0.03, 0.03, 0.04, 1.0)
_FILL = (1.0, 1.0, 1.0, 1.0)
_FILL_HELD = (1.0, 0.6, 0.1, 1.0)
_CORNERS = ((0, 1, 2), (0, 2, 3))

_wanted: dict[int, tuple[Box, int]] = {}
"""By viewport, what to draw handles around and which of them is pointed at."""


class RegionHandles(bpy.types.Gizmo):
    """Eight handles around a rectangle of the viewport."""

    bl_idname = "MIXDIFF_GT_region_handles"
    __slots__ = ("box", "pointed", "reach")

    def setup(self) -> None:
        """Begin without a rectangle."""
        self.box: Box | None = None
        self.pointed = -1
        self.reach = 0.0

    def test_select(self, context: Any, location: Any) -> int:
        """Return the number of the handle at a place, or -1 where there is none."""
        x, y = location
        grip = grip_at(self.box, x, y, self.reach) if self.box else None
        self.pointed = HANDLES.index(grip) if grip in HANDLES else -1
        return self.pointed

    def draw(self, context: Any) -> None:
        """Have the handles drawn: above the overlay, which comes after all gizmos."""
        if self.box is not None:
            pointed = self.pointed if self.is_highlight or self.is_modal else -1
            _wanted[context.region.as_pointer()] = self.box, pointed


def _draw_wanted() -> None:
    context: Any = bpy.context
    wanted = _wanted.pop(context.region.as_pointer(), None)
    if wanted is None:
        return
    box, pointed = wanted
    half = _SIDE_PX * context.preferences.system.ui_scale / 2
    shader = _gpu.shader.from_builtin("UNIFORM_COLOR")
    for number, grip in enumerate(HANDLES):
        x, y = grip.place_on(box)
        handle = Box(left=x, bottom=y, right=x, top=y).grown(half)
        _fill(shader, handle, _EDGE)
        _fill(shader, handle.grown(-1.5), _FILL_HELD if number == pointed else _FILL)


def _fill(shader: Any, box: Box, colour: tuple[float, ...]) -> None:
    sides = ((box.left, box.bottom), (box.right, box.bottom))
    points = [*sides, (box.right, box.top), (box.left, box.top)]
    batch = batch_for_shader(shader, "TRIS", {"pos": points}, indices=_CORNERS)
    shader.uniform_float("color", colour)
    batch.draw(shader)


class RegionHandlesGroup(bpy.types.GizmoGroup):
    """The handles of the active drawn region."""

    bl_idname = "MIXDIFF_GGT_region_handles"
    bl_label = "MixDiff Region Handles"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT", "SHOW_MODAL_ALL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Return whether the active object may be a drawn region, seen through the camera."""
        active = context.view_layer.objects.active
        return (
            active is not None
            and context.mode == "OBJECT"
            and is_camera_view(context)
            and may_be_drawn(context.scene, active)
        )

    def setup(self, context: Any) -> None:
        """Make the gizmo, each of whose handles drags the region."""
        gizmo = self.gizmos.new(RegionHandles.bl_idname)
        gizmo.use_draw_modal = True
        gizmo.use_tooltip = False  # it would lie over what was just drawn
        for number in range(len(HANDLES)):
            gizmo.target_set_operator(PlaceRegion.bl_idname, index=number)

    def draw_prepare(self, context: Any) -> None:
        """Put the handles around the region as it stands now."""
        gizmo: Any = self.gizmos[0]
        gizmo.box = _box_of_active(context)
        gizmo.reach = reach_px(context)


def _box_of_active(context: Any) -> Box | None:
    scene, layer = context.scene, context.view_layer
    try:
        drawn = drawn_rectangle(scene, layer.depsgraph, layer.objects.active)
        frame = frame_in(scene, layer.depsgraph, context.region, context.region_data)
    except EngineError:  # a camera that no job can be made with
        return None
    if drawn is None or not drawn.object.visible_get():
        return None
    return box_of(drawn.bounds, canvas_of(scene), frame)


def unregister() -> None:
    """Forget what was wanted."""
    _wanted.clear()


CLASSES = (RegionHandles, RegionHandlesGroup)
DRAWN = (_draw_wanted,)
