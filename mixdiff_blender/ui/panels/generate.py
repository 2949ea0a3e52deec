"""What one presses and watches: it has a fixed place at the top, and nothing in it moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...backend import engine, measured, models
from ...backend.states import HERE, Failed, Generating, Stopped
from ...backend.wording import estimate_text, state_text
from ...job.job_from_scene import in_words
from ...job.model_facts import model_facts, model_path
from ...job.regions.camera import canvas_of
from ...properties import canvas_settings
from ...results import batch, generation, shot
from ...results.live import live
from ..ahead import tab_is_drawn
from ..job_cache import CachedJob, cached_job
from ..operators.engine import CopyReport, FreeMemory, MoveJob, RemoveJob, StopEngine
from ..operators.generate import Cancel, CancelOne, Generate
from ..operators.live import SwitchLive
from ..operators.models import DownloadModel
from .installation import draw_cluster, draw_installation
from .models import draw_fault, draw_fetching, draw_memory
from .sidebar import LINE_ICONS, SidebarPanel, draw_text

_LINES_KEPT_FREE = 4
_MOST_BARS = 8
_SWITCH_UNITS = 3.5  # of a button's height


class GeneratePanel(SidebarPanel):
    """The buttons, how far the picture is, and what there is to say."""

    bl_idname = "MIXDIFF_PT_generate"
    bl_label = "MixDiff"
    bl_order = 0

    def draw_header_preset(self, context: Any) -> None:
        """Draw the switch of the preview in the viewport."""
        settings = canvas_settings(context.scene)
        self.layout.prop(settings, "show_preview", text="", icon="IMAGE_BACKGROUND")

    def draw(self, context: Any) -> None:
        """Draw the buttons and the bar, then the messages."""
        layout = self.layout
        is_missing = draw_installation(layout, context)
        if is_missing and isinstance(engine.session.state, Stopped):
            return
        tab_is_drawn()
        settings = canvas_settings(context.scene)
        cached = cached_job(context.scene, context.view_layer)
        self._draw_state(layout)
        row = layout.row(align=True)
        row.scale_y = 1.6
        if engine.queue.is_awaited:
            Generate.button(row, "Queue Another", "ADD")
        else:
            Generate.button(row, "Keep" if live.is_on(context.scene) else "Generate")
        switch = row.row(align=True)
        switch.ui_units_x = _SWITCH_UNITS
        SwitchLive.button(switch, "Live", depress=live.is_on(context.scene))
        Cancel.button(row, "")
        layout.row(align=True).prop(settings, "canvas_size", expand=True)
        self._draw_bar(layout, context, cached)
        self._draw_messages(layout, context, cached)
        self._draw_queue(layout)

    def _draw_state(self, layout: Any) -> None:
        session = engine.session
        row = layout.row(align=True)
        icon = "ERROR" if isinstance(session.state, Failed) else "RADIOBUT_ON"
        row.label(text=_at_work_text() or state_text(session.state), icon=icon)
        if session.has_model and not engine.queue.is_awaited:
            FreeMemory.button(row, "")
        if engine.is_running():
            StopEngine.button(row, "")

    def _draw_bar(self, layout: Any, context: Any, cached: CachedJob) -> None:
        """Draw how far the picture is, or what the next one takes."""
        together = [one for one in (shot.current(), *batch.under_way()) if one is not None]
        for one in together:
            layout.progress(factor=one.share, text=one.text)
        if len(engine.queue.running) > 1 or (engine.queue.is_awaited and shot.current() is None):
            draw_bars(layout)
        if together or engine.queue.is_awaited:
            return
        if live.is_on(context.scene):
            layout.progress(factor=_share_of_live(), text=live.text)
            return
        canvas = canvas_of(context.scene)
        estimate = None
        if cached.job is not None:
            stride_px = model_facts(context.scene).family.stride_px
            is_loaded = engine.session.has_model
            estimate = measured.estimate(cached.job.job, stride_px, is_loaded=is_loaded)
        text = f"{canvas.width_px} × {canvas.height_px} px{estimate_text(estimate)}"
        layout.progress(factor=0.0, text=text)
        if cached.job is not None:
            draw_memory(layout, context, cached.job.job)

    def _draw_download(self, layout: Any, context: Any, name: str) -> None:
        """Draw how to get a model, or what a network alone lacks, which is not here."""
        if models.is_missing(name):
            draw_fault(layout, context)
            draw_text(layout, context, f"{name} is not on this computer", "INFO")
            size = models.size_text(name)
            DownloadModel.button(layout, f"Download ({size})" if size else "Download")
        elif models.lacks_rest(model_path(name)):
            draw_fault(layout, context)
            DownloadModel.button(layout, "Download What It Lacks")

    def _draw_messages(self, layout: Any, context: Any, cached: CachedJob) -> None:
        """Draw what is wrong or doubtful, then how the last job went; of regions, what stops it.

        Few lines have a place kept free for them, so that nothing below moves as they come and go.
        """
        state = engine.session.state
        if isinstance(state, Failed):
            draw_text(layout, context, str(state.error), LINE_ICONS["ERROR"])
            CopyReport.button(layout, "Copy Report")
        name = canvas_settings(context.scene).model
        if not draw_fetching(layout):
            self._draw_download(layout, context, name)
        draw_cluster(layout, context)
        messages = [(str(cached.error), "INFO")] if cached.error else []
        if engine.session.not_ahead:
            messages.append((f"Not made ready ahead: {engine.session.not_ahead}", "INFO"))
        if live.says and not live.is_on(context.scene):
            messages.append((f"Live is off: {live.says}", LINE_ICONS["ERROR"]))
        problems = cached.job.problems if cached.job else ()
        said = {in_words(problem, in_panels=True) for problem in problems}
        for problem in problems:
            if problem.severity == "error" or not problem.region:
                messages.append(
                    (in_words(problem, in_panels=True), LINE_ICONS[problem.severity.upper()])
                )
        report = generation.last_report(context.scene)
        for line in report.lines if report else ():
            if line.text not in said:
                messages.append((line.text, LINE_ICONS[line.severity]))
        column = layout.column(align=True)
        drawn = sum(
            draw_text(column, context, text[:1].upper() + text[1:], icon) for text, icon in messages
        )
        column = column.column(align=True)
        column.scale_y = 0.8
        for _ in range(drawn, _LINES_KEPT_FREE):
            column.label(text="")

    def _draw_queue(self, layout: Any) -> None:
        waiting = engine.queue.waiting
        if not waiting:
            return
        box = layout.box().column(align=True)
        box.label(text=f"{len(waiting)} more to make", icon="LINENUMBERS_ON")
        for index, job in enumerate(waiting):
            row = box.row(align=True)
            row.label(text=job.request.output.name)
            for places, icon in ((-1, "TRIA_UP"), (1, "TRIA_DOWN")):
                MoveJob.button(row, "", icon, index=index, places=places)
            RemoveJob.button(row, "", "X", index=index)


def _share_of_live() -> float:
    state = engine.session.state
    is_its_own = isinstance(state, Generating) and state.job.request.gives_way
    return state.progress.share if is_its_own and isinstance(state, Generating) else 0.0


def _at_work_text() -> str:
    """Return which engines work, where it is not this computer's first one alone."""
    at_work = [session for session in engine.queue.sessions if session.job]
    places = dict.fromkeys(session.place or "this computer" for session in at_work)
    if at_work in ([], [engine.session]):
        return ""
    where = " and ".join(places)
    return f"{len(at_work)} at work · {where}"


def draw_bars(layout: Any) -> None:
    """Draw how far each engine that works is; where several do, each with its picture."""
    at_work = [session for session in engine.queue.sessions if session.job]
    column = layout.column(align=True)
    for session in at_work[:_MOST_BARS]:
        state, job = session.state, session.job
        share = state.progress.share if isinstance(state, Generating) else 0.0
        if len(at_work) == 1 and session.place == HERE:
            column.progress(factor=share, text=state_text(state))
            continue
        name = job.request.output.name if job else ""
        row = column.row(align=True)
        row.progress(factor=share, text=f"{Path(name).stem} · {state_text(state)}")
        CancelOne.button(row, "", name=name)
    if (more := len(at_work) - _MOST_BARS) > 0:
        column.label(text=f"and {more} more at work")


CLASSES = (GeneratePanel,)
