"""What has to be installed, in the sidebar and in the preferences."""

from __future__ import annotations

from typing import Any

from ...backend import installing
from ...backend.background_task import Broken, Running
from ...backend.installation.faults import gigabytes
from ...backend.installation.plan import RAY_SIZES, likely_sizes
from ...properties import preferences
from ...properties.preferences import DRAWN_BELOW_CLUSTER, DRAWN_BY_ENGINE
from ..operators.engine import (
    CancelInstallation,
    CopyReport,
    InstallEngine,
    InstallRay,
    RemoveEngine,
)
from .models import draw_models
from .sidebar import draw_online_access, draw_progress, draw_text


def draw_installation(layout: Any, context: Any) -> bool:
    """Draw what has to be installed, or is; return whether there was something to draw."""
    task, status = installing.task, installing.status()
    if isinstance(task.state, Running):
        draw_progress(layout, task.state, CancelInstallation)
        return True
    is_missing = status.is_own and status.fault is not None
    is_outdated = status.is_own and status.environment == "outdated"
    if not (is_missing or is_outdated or isinstance(task.state, Broken)):
        return False
    if isinstance(task.state, Broken):
        draw_text(layout, context, str(task.state.error), "ERROR")
        CopyReport.button(layout, "Copy Report")
    else:
        sizes = likely_sizes()
        what = "There is an update of the engine" if is_outdated else "The engine is not installed"
        text = f"{what}: about {gigabytes(sizes.fetched)} to fetch"
        draw_text(layout, context, f"{text}, {gigabytes(sizes.on_disk)} on disk", "INFO")
    draw_online_access(layout, context, "Only packages that are on this computer can be installed")
    row = layout.row()
    row.scale_y = 1.3
    InstallEngine.button(row, "Update Engine" if is_outdated else "Install Engine")
    return True


def draw_cluster(layout: Any, context: Any) -> None:
    """Draw what the cluster lacks, or who may use it."""
    if not preferences.cluster():
        return
    if installing.status().lacks_ray and not isinstance(installing.task.state, Running):
        sizes = f"{gigabytes(RAY_SIZES.fetched)} to fetch, {gigabytes(RAY_SIZES.on_disk)} on disk"
        draw_text(layout, context, f"A cluster needs Ray: about {sizes}", "INFO")
        InstallRay.button(layout, "Install Ray")


def draw_in_preferences(layout: Any, context: Any) -> None:
    """Draw the engine's part."""
    box = layout.box()
    if not draw_installation(box, context):
        status = installing.status()
        text = f"The engine runs in a Python named by {status.named_by}"
        if status.is_own:
            size = installing.size_on_disk()
            text = "The engine is installed" + (f" ({gigabytes(size)})" if size else "")
        if status.fault is not None:
            draw_text(box, context, str(status.fault), "ERROR")
        else:
            box.label(text=text, icon="CHECKMARK")
    row = box.row()
    InstallEngine.button(row, "Repair", "FILE_REFRESH", afresh=True)
    RemoveEngine.button(row, "Remove")
    CopyReport.button(row, "Copy Report")
    draw_models(layout.box(), context)


DRAWN_BY_ENGINE.append(draw_in_preferences)
DRAWN_BELOW_CLUSTER.append(draw_cluster)
