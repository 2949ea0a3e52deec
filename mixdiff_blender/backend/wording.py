"""States and times in the words of the panel."""

from __future__ import annotations

from textwrap import wrap

from .background_task import Running
from .installation.faults import gigabytes
from .progress import Estimate, Progress
from .states import (
    Cancelling,
    Failed,
    Generating,
    Preloading,
    Ready,
    Starting,
    State,
    Stopped,
    Unloading,
)

_PHASES = {
    "waiting": "Waiting for a machine",
    "loading": "Loading the model",
    "encoding": "Reading the prompts",
    "sampling": "Painting",
    "decoding": "Finishing the picture",
    "writing": "Saving the picture",
}


def task_text(state: Running) -> str:
    """Return how far an installation or a download is, in a few words."""
    progress = state.progress
    if state.is_cancelling:
        return "Cancelling…"
    if not progress.total_bytes:
        return f"{progress.title}…"
    done, total = gigabytes(progress.done_bytes), gigabytes(progress.total_bytes)
    return f"{progress.title}: {done} of {total}"


def state_text(state: State) -> str:
    """Return what the engine is doing, in a few words."""
    match state:
        case Stopped():
            return "Starts with the next picture"
        case Starting():
            return "Starting…"
        case Ready(facts=facts):
            name = facts.get("device_name") or facts.get("device", "")
            return f"Ready · {name} · {facts.get('dtype', '')}"
        case Preloading(is_loaded=is_loaded):
            return "Loading the model…" if is_loaded else "Starting…"
        case Unloading():
            return "Freeing the memory…"
        case Generating(progress=progress):
            return progress_text(progress)
        case Cancelling():
            return "Cancelling…"
        case Failed():
            return "Failed"


def progress_text(progress: Progress) -> str:
    """Return how far a job is, in a few words."""
    phase = _PHASES.get(progress.phase, progress.phase)
    if progress.phase == "decoding" and progress.row:
        return f"{phase}: row {progress.row} of {progress.rows}"
    if progress.phase != "sampling" or not progress.steps:
        return phase
    is_last = progress.remaining_s is None or progress.step == progress.steps
    left = "" if is_last else f" · {duration(progress.remaining_s or 0)} left"
    return f"Step {progress.step} of {progress.steps}{left}"


def estimate_text(estimate: Estimate | None) -> str:
    """Return what a picture will take, as it follows its size; empty where nothing tells."""
    if estimate is None:
        return ""
    taken = f" · {gigabytes(estimate.taken_bytes)}" if estimate.taken_bytes else ""
    return f" · about {duration(estimate.seconds)}{taken}"


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 100 else f"{round(whole / 60)} min"


def wrapped(text: str, width: int) -> list[str]:
    """Return a text as lines of at most so many letters; words longer than that are cut."""
    return [line for part in text.splitlines() for line in wrap(part, width) or [""]]
