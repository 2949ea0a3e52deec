"""Models: which are here, fetching and removing them, in the sidebar and in the preferences."""

from __future__ import annotations

from typing import Any

import bpy

from ...backend import machine, models
from ...backend.background_task import Broken, Running
from ...contract import FIT_TEXTS, EngineError, Job, Listed, known_model
from ...properties.preferences import hub_model
from ..operators.base import ReportingOperator
from ..operators.models import (
    CancelDownload,
    ChooseModel,
    DownloadModel,
    LookAtComputer,
    RemoveModel,
)
from .sidebar import draw_online_access, draw_progress, draw_text

_ICONS = {
    "bundled": "CHECKMARK",
    "downloaded": "CHECKMARK",
    "partly downloaded": "SORTTIME",
    "not downloaded": "BLANK1",
}


def draw_fetching(layout: Any) -> bool:
    """Draw how far a download is; return whether there is one."""
    state = models.task.state
    if not isinstance(state, Running):
        return False
    draw_progress(layout, state, CancelDownload)
    return True


def draw_missing(layout: Any, context: Any, name: str, size_text: str) -> None:
    """Draw that a network of the hub is not here, and what fetches it, or how far that is."""
    draw_text(layout, context, f"{name} is not on this computer", "INFO")
    DownloadModel.button(layout, f"Download ({size_text})" if size_text else "Download", model=name)
    draw_fetching(layout)


def draw_fault(layout: Any, context: Any) -> None:
    """Draw why the last download did not come to its end."""
    if isinstance(models.task.state, Broken):
        draw_text(layout, context, str(models.task.state.error), "ERROR")


def draw_memory(layout: Any, context: Any, job: Job) -> None:
    """Draw what a picture will take of the memory, and what that costs, where it is known."""
    plan = machine.memory_of(job)
    if isinstance(plan, EngineError):
        draw_text(layout, context, str(plan), "CANCEL")
    elif plan is not None:
        draw_text(layout, context, f"Memory: {plan.text}", "MEMORY")


def draw_few_steps(layout: Any, name: str) -> None:
    """Draw the way to a model's kin that is made for few steps, where it has one."""
    known = known_model(name)
    kin = known_model(known.few_steps) if known and known.few_steps else None
    if kin is not None:
        ChooseModel.button(layout, f"Faster: {kin.title}", "SORTTIME", model=kin.id)


def draw_models(layout: Any, context: Any) -> None:
    """Draw the list for the preferences."""
    row = layout.row()
    row.label(text="Models")
    LookAtComputer.button(row)
    column = layout.column(align=True)
    for model in models.all_listed():
        _draw_row(column, model)
    if not draw_fetching(layout):
        draw_fault(layout, context)
        draw_online_access(layout, context, "Nothing can be downloaded")
        row = layout.row(align=True)
        row.prop(hub_model(), "hub_model", text="Another")
        _button(row, DownloadModel, "Download", hub_model().hub_model)


def _draw_row(layout: Any, model: Listed) -> None:
    row = layout.split(factor=0.85)
    text = row.row()
    text.label(text=model.text, icon=_ICONS[model.state])
    if model.known is not None:
        settings = text.row()
        settings.alignment, settings.active = "RIGHT", False
        words = [model.known.settings_text]
        if model.fit not in (None, "fits"):
            words.insert(0, FIT_TEXTS[model.fit])
        settings.label(text=" · ".join(words))
    if model.state == "downloaded":
        _button(row, RemoveModel, "Remove", model.id)
    elif model.state == "bundled":
        row.label(text="")
    else:
        again = model.state == "partly downloaded"
        _button(row, DownloadModel, "Go On" if again else "Download", model.id)


def _button(layout: Any, operator: type[ReportingOperator], text: str, model: str) -> None:
    row = layout.row()
    row.enabled = bool(model) and (operator is not DownloadModel or bpy.app.online_access)
    operator.button(row, text, model=model)
