"""States and times in the words of the panel."""

from __future__ import annotations

from textwrap import wrap

from .installation.faults import gigabytes
from .installation.task import Installing
from .session import Cancelling, Failed, Generating, Ready, Starting, State, Stopped

_PHASES = {
    "loading": "Loading the model",
    "encoding": "Reading the prompts",
    "sampling": "Painting",
    "decoding": "Finishing the picture",
    "writing": "Saving the picture",
}


def installing_text(state: Installing) -> str:
    """Return how far an installation is, in a few words."""
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
        case Ready():
            name = state.device_name or state.device
            return f"Ready · {name} · {state.dtype}"
        case Generating(steps=0):
            return _PHASES.get(state.phase, state.phase)
        case Generating(phase="decoding") if state.row:
            return f"{_PHASES['decoding']}: row {state.row} of {state.rows}"
        case Generating() if state.phase != "sampling":
            return _PHASES.get(state.phase, state.phase)
        case Generating():
            left = "" if state.remaining_s is None else f" · {duration(state.remaining_s)} left"
            return f"Step {state.step} of {state.steps}{left}"
        case Cancelling():
            return "Cancelling…"
        case Failed():
            return "Failed"


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 100 else f"{round(whole / 60)} min"


def wrapped(text: str, width: int) -> list[str]:
    """Return a text as lines of at most so many letters; words longer than that are cut."""
    return [line for part in text.splitlines() for line in wrap(part, width) or [""]]
