"""Making a part of a picture again: chosen regions, what a lasso goes around, what is painted."""

from __future__ import annotations

import json
from typing import Any, cast

import bpy

from ...backend.wording import estimate_text
from ...contract import EngineError
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import FloatProperty, IntProperty, StringProperty
from ...results import again, history
from ...results.change_masks import Mask, canvas_to_paint_on, lasso_mask, painted_mask
from ...results.documents import job_of
from ..dragging import check_viewport
from ..lasso import LassoDrawing
from .base import RENDER_MENU, Result, UndoableOperator, entries, require
from .drawn import DrawnOperator
from .generate import asked_seed, finish
from .history import OfResult, selected_regions, shown_entry
from .result_use import OBJECT_MENU
from .viewing import image_editor

_MASK = "MixDiff Change"
_MENU = "MIXDIFF_MT_again"
_has_camera = require(
    lambda context: scene_in(context).camera, "The scene has no camera; add one (Add > Camera)"
)


class _MakesAgain(OfResult):
    """Begins to make a part of the result that is shown anew."""

    strength: float = FloatProperty(
        name="Keep",
        description="How much stays of what is made again (strength); the scene's unless given",
        min=0.0,
        max=1.0,
        options={"SKIP_SAVE"},
    )
    seed_digits: str = StringProperty(
        name="Seed", description="Instead of one at random (seed)", options={"SKIP_SAVE"}
    )

    def begin(self, context: Any, regions: set[str], mask: Mask | None = None) -> None:
        """Begin the job; without a window, return when it has ended.

        Raises: EngineError where it cannot begin.
        """
        scene, properties = scene_in(context), cast(Any, self).properties
        is_given = properties.is_property_set("strength")
        again.begin(
            scene,
            context.evaluated_depsgraph_get(),
            shown_entry(context),
            regions,
            mask=mask,
            strength=self.strength if is_given else canvas_settings(scene).again_strength,
            seed=asked_seed(self.seed_digits),
        )
        for line in finish(scene):
            self.report({line.severity}, line.text)


class Again(_MakesAgain):
    """Make the selected objects' regions of this result anew; all around them stays as it is"""

    bl_idname = "mixdiff.again"
    bl_label = "Make Regions of MixDiff Picture Again"
    icon = "FILE_REFRESH"

    region: str = StringProperty(
        name="Region",
        description="The name of one region, instead of those of the selected objects",
        options={"SKIP_SAVE"},
    )

    def run(self, context: Any) -> None:
        """Begin the job.

        Raises: EngineError where no region of the result is selected.
        """
        chosen = {self.region} if self.region else selected_regions(scene_in(context), context)
        job = job_of(shown_entry(context))
        if not self.region and not again.chosen_names(job, chosen):
            names = ", ".join(region.name for region in job.regions)
            raise EngineError(
                "no region of this result is selected",
                kind="job",
                advice=f"select one of: {names}; or draw a lasso",
            )
        self.begin(context, chosen)


class AgainLasso(DrawnOperator, _MakesAgain):
    """Drag around a part of the picture in the camera's view: it is made anew, the rest stays"""

    bl_idname = "mixdiff.again_lasso"
    bl_label = "Make Lassoed Part of MixDiff Picture Again"
    icon = "SELECT_SET"
    requirements = (*OfResult.requirements, _has_camera)

    points: str = StringProperty(
        name="Line",
        description="Where the lasso goes: JSON of pairs, shares of the picture from its upper "
        "left corner",
        options={"SKIP_SAVE"},
    )
    soft_px: int = IntProperty(
        name="Soft Edge",
        description="How wide the lasso's edge is, in pixels of the picture",
        default=24,
        min=0,
        soft_max=256,
        subtype="PIXEL",
    )

    _drawing: LassoDrawing

    def invoke(self, context: Any, event: Any) -> Result:
        """Look through the camera, and wait for the mouse."""
        return self.reporting(self._draw, context)

    def _draw(self, context: Any) -> Result:
        check_viewport(context)
        canvas_settings(scene_in(context)).show_result = True  # what one draws around
        self._drawing = LassoDrawing(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def take(self) -> None:
        """Note where the lasso goes."""
        self.points = json.dumps(self._drawing.shares)

    def run(self, context: Any) -> None:
        """Begin the job.

        Raises: EngineError where the line is none, or goes around nothing.
        """
        job = job_of(shown_entry(context))
        try:
            points = [(float(x), float(y)) for x, y in json.loads(self.points or "[]")]
        except (ValueError, TypeError) as error:
            raise EngineError(
                f"{self.points!r} is no line",
                kind="job",
                advice="give pairs of numbers, such as [[0.2, 0.2], [0.5, 0.2], [0.5, 0.5]]",
            ) from error
        size_px = (job.canvas_width, job.canvas_height)
        self.begin(context, set(), lasso_mask(points, size_px, self.soft_px))


class PaintMask(OfResult, UndoableOperator):
    """Show the picture faded in an Image Editor: what you paint over it is what is made again"""

    bl_idname = "mixdiff.paint_mask"
    bl_label = "Paint What to Make Again of MixDiff Picture"
    bl_options = {"UNDO"}  # there is nothing to choose in a redo panel
    icon = "BRUSH_DATA"

    def run(self, context: Any) -> None:
        """Make the image, unless this result has one already, and open it."""
        settings, entry = canvas_settings(scene_in(context)), shown_entry(context)
        if settings.change_mask is None or settings.change_mask_of != entry.key:
            if settings.change_mask is not None:
                bpy.data.images.remove(settings.change_mask)
            settings.change_mask = canvas_to_paint_on(_MASK, history.path_of(entry))
            settings.change_mask_of = entry.key
        if bpy.app.background:
            return
        space = image_editor(context)
        space.image, space.ui_mode = settings.change_mask, "PAINT"
        shown = "show_uv" if hasattr(space.uv_editor, "show_uv") else "show_texpaint"
        setattr(space.uv_editor, shown, False)  # or an object's UV map lies over the picture


class AgainMasked(_MakesAgain):
    """Make anew what is painted over this result in the Image Editor; the rest stays"""

    bl_idname = "mixdiff.again_masked"
    bl_label = "Make Painted Part of MixDiff Picture Again"
    icon = "TPAINT_HLT"
    requirements = (
        *OfResult.requirements,
        require(
            lambda context: canvas_settings(scene_in(context)).change_mask,
            "Nothing is painted yet; choose Paint What to Make Again first",
        ),
    )

    def run(self, context: Any) -> None:
        """Begin the job.

        Raises: EngineError where nothing is painted, or what it was painted over is gone.
        """
        settings = canvas_settings(scene_in(context))
        image = settings.change_mask
        key = settings.change_mask_of
        painted_over = next((entry for entry in settings.history if entry.key == key), None)
        if painted_over is None:
            raise EngineError(
                "the result that was painted over is not in the history any more",
                kind="picture",
                advice="paint over this one (Paint What to Make Again)",
            )
        assert image is not None  # as is required
        mask = painted_mask(image, history.path_of(painted_over))
        image.pack()  # so that the .blend keeps what was painted
        self.begin(context, set(), mask)


class AgainMenu(bpy.types.Menu):
    """A part of this result made anew"""

    bl_idname = _MENU
    bl_label = "Again"

    def draw(self, context: Any) -> None:
        """Draw each region of the result with the time that it takes, then the other ways."""
        layout: Any = self.layout
        Again.button(layout, "Selected Regions")
        layout.operator_context = "INVOKE_REGION_WIN"
        AgainLasso.button(layout, "Lasso")
        PaintMask.button(layout, "Paint What to Make Again")
        AgainMasked.button(layout, "What Is Painted")
        entry = history.active_entry(scene_in(context))
        if entry is None:
            return
        layout.separator()
        try:
            for region in job_of(entry).regions:
                time = estimate_text(again.estimate(entry, {region.name}))
                Again.button(layout, f"{region.name}{time}", region=region.name)
        except EngineError as error:
            layout.label(text=str(error), icon="ERROR")


def draw_again(layout: Any, settings: Any) -> None:
    """Draw the ways to make a part of the picture again."""
    row = layout.row(align=True)
    Again.button(row, "Again")
    lasso = row.row(align=True)
    lasso.operator_context = "INVOKE_REGION_WIN"
    AgainLasso.button(lasso, "Lasso")
    row.menu(AgainMenu.bl_idname, text="", icon="DOWNARROW_HLT")
    layout.prop(settings, "again_strength", slider=True)


def _lasso_entry(layout: Any) -> None:
    row = layout.row()  # a context of its own
    row.operator_context = "INVOKE_REGION_WIN"
    AgainLasso.button(row)


CLASSES = (Again, AgainLasso, PaintMask, AgainMasked, AgainMenu)
MENUS = (
    (RENDER_MENU, entries(Again.button, PaintMask.button, AgainMasked.button)),
    (OBJECT_MENU, entries(Again.button, _lasso_entry)),
)
