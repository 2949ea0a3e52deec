"""The engine's part of the preferences: installed or not, repair and removal; models."""

from __future__ import annotations

from typing import Any

from ...backend import installing
from ...backend.installation.faults import gigabytes
from ...properties.preferences import DRAWN_BY_ENGINE
from ..operators.engine import CopyReport, InstallEngine, RemoveEngine
from .engine import draw_installation
from .models import draw_models


def draw_in_preferences(layout: Any, context: Any) -> None:
    """Draw the engine's part."""
    box = layout.box()
    if not draw_installation(box, context):
        status = installing.status()
        text = f"The engine runs in a Python named by {status.named_by}"
        if status.is_own:
            size = installing.size_on_disk()
            text = "The engine is installed" + (f" ({gigabytes(size)})" if size else "")
        box.label(text=text, icon="CHECKMARK")
    row = box.row()
    InstallEngine.button(row, "Repair", "FILE_REFRESH", afresh=True)
    RemoveEngine.button(row, "Remove")
    CopyReport.button(row, "Copy Report")
    draw_models(layout.box(), context)


DRAWN_BY_ENGINE.append(draw_in_preferences)
