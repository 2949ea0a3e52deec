"""Generating images, and cancelling it."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend import engine
from ...contract import EngineError
from ...job.job_from_scene import has_something_to_generate
from ...job.regions.entries import has_region
from ...properties.contexts import scene_in
from ...properties.declarations import BoolProperty, IntProperty, StringProperty
from ...results import batch, generation, shot
from ...results.live import live
from .base import (
    RENDER_MENU,
    ReportingOperator,
    Requirement,
    Result,
    entries,
    require,
    separate,
    submenu,
)


def asked_seed(digits: str) -> int | None:
    """Return the seed that somebody typed, None where nobody did.

    Raises: EngineError where it is none.
    """
    digits = digits.strip()
    if digits and not digits.isdecimal():
        raise EngineError(f"{digits!r} is no seed", kind="job", advice="give a whole number")
    return int(digits) if digits else None


def finish(scene: bpy.types.Scene, *, wait: bool = False) -> tuple[generation.Line, ...]:
    """Wait if asked to, as always without a window, and return what there is to report then.

    Raises: EngineError where there is no image.
    """
    if not (wait or bpy.app.background):
        return ()
    engine.wait()
    report = generation.last_report(scene)
    if report is None or report.error:
        message = report.text if report else "There is no picture"
        raise EngineError(message, kind="output")
    return report.lines


class OfScene(ReportingOperator):
    """Generates from the scene as it is; errors are reported in the scene's words."""

    requirements: tuple[Requirement, ...] = (
        require(
            lambda context: scene_in(context).camera or not has_region(scene_in(context)),
            "The scene has no camera; add one (Add > Camera)",
        ),
        require(
            lambda context: has_something_to_generate(scene_in(context)),
            "Nothing to paint: type a prompt, or select an object and choose "
            "Object > Add as MixDiff Region",
        ),
    )

    def describe(self, error: EngineError, context: Any) -> str:
        """Return the report of the scene's last job."""
        report = generation.last_report(scene_in(context))
        return report.text if report else str(error)


class Generate(OfScene):
    """Paint the picture that the regions before the camera describe"""

    bl_idname = "mixdiff.generate"
    bl_label = "Generate MixDiff Picture"
    icon = "IMAGE_DATA"

    wait = BoolProperty(
        name="Wait",
        description="Return only when the picture is there, as always without a window",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def run(self, context: Any) -> None:
        """Begin the job; without a window, or where it waits, return when it has ended."""
        scene, depsgraph = scene_in(context), context.evaluated_depsgraph_get()
        if live.is_on(scene):
            live.keep(scene, depsgraph)  # what is seen is what it becomes
        else:
            generation.begin(scene, depsgraph)
        for line in finish(scene, wait=self.wait):
            self.report({line.severity}, line.text)


class GenerateBatch(OfScene):
    """Paint several pictures, each with another seed; on the cluster where one is set"""

    bl_idname = "mixdiff.generate_batch"
    bl_label = "Generate Several MixDiff Pictures"
    icon = "RENDER_ANIMATION"

    count = IntProperty(
        name="Pictures", description="How many pictures to make", default=4, min=1, soft_max=16
    )

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask how many."""
        return context.window_manager.invoke_props_dialog(self)  # type: ignore[no-any-return]

    def run(self, context: Any) -> None:
        """Begin them."""
        scene = scene_in(context)
        batch.begin(scene, context.evaluated_depsgraph_get(), self.count)
        finish(scene)


class Cancel(ReportingOperator):
    """Stop making what is being made, with all that belongs to it"""

    bl_idname = "mixdiff.cancel"
    bl_label = "Cancel MixDiff Picture"
    icon = "X"
    requirements = (
        require(lambda _: engine.queue.running or shot.current(), "No picture is being made"),
    )

    def run(self, context: Any) -> None:
        """Ask for the end; the timer sees it."""
        together = [one for one in (shot.current(), *batch.under_way()) if one is not None]
        for one in together:
            one.cancel()
        # Asked a second time, an engine is ended: so nothing is asked twice here.
        engine.queue.cancel(again=not together)
        engine.redraw()


class CancelOne(ReportingOperator):
    """Stop making this picture alone; others go on"""

    bl_idname = "mixdiff.cancel_one"
    bl_label = "Cancel One MixDiff Picture"
    icon = "X"
    requirements = (require(lambda _: engine.queue.running, "No picture is being made"),)

    name = StringProperty(
        name="Picture", description="The file that it is made for, as the panel names it"
    )

    def run(self, context: Any) -> None:
        """Take it out."""
        named = [job for job in engine.queue.running if job.request.output.name == self.name]
        if not named:
            raise EngineError(f"{self.name!r} is not being made", kind="job")
        engine.queue.skip(named[0])
        engine.redraw()


class RenderMenu(bpy.types.Menu):
    """What there is to do with pictures, the engine and its models"""

    bl_idname = RENDER_MENU
    bl_label = "MixDiff"

    def draw(self, context: Any) -> None:
        """Draw what is of no other module."""
        Cancel.button(self.layout)


CLASSES = (Generate, GenerateBatch, Cancel, CancelOne, RenderMenu)
MENUS = (
    ("TOPBAR_MT_render", entries(separate, Generate.button, submenu(RenderMenu, "IMAGE_DATA"))),
)
