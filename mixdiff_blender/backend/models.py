"""Models of the hub in this Blender: which are here, and fetching one when a person asks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import bpy

from ..contract import (
    CATALOGUE,
    EngineError,
    Listed,
    cache_folder,
    fitting_first,
    is_adapter_here,
    is_file,
    is_hub_id,
    listed,
    local_controlnet,
    rest_to_fetch,
    state_of,
)
from . import engine, machine
from .background_task import BackgroundTask, TaskProgress

_LOOK_EVERY_S = 2.0


task = BackgroundTask()
engine.pump.sources.append(task)


def all_listed() -> tuple[Listed, ...]:
    """Return the list of models, what fits this computer first, looked up every few seconds."""
    return _listed_at(time.monotonic() // _LOOK_EVERY_S)


@lru_cache(maxsize=1)
def _listed_at(moment: float) -> tuple[Listed, ...]:
    return fitting_first(listed(cache_folder(os.environ)), machine.known())


look_again = _listed_at.cache_clear
"""Has `all_listed` look anew."""


def size_text(name: str) -> str:
    """Return about how much is fetched of a model, where that is known."""
    return next((model.size_text for model in CATALOGUE if model.id == name), "")


def is_missing(name: str) -> bool:
    """Return whether a scene's model is one of the hub's that is not on this computer."""
    return is_hub_id(name) and state_of(name, cache_folder(os.environ)) != "downloaded"


def is_controlnet_missing(name: str) -> bool:
    """Return whether a ControlNet of the hub is not on this computer, looked up now and then."""
    return _missing_at(time.monotonic() // _LOOK_EVERY_S, name)


@lru_cache(maxsize=32)
def _missing_at(moment: float, name: str) -> bool:
    return local_controlnet(name, cache_folder(os.environ)) is None


def is_adapter_missing(name: str) -> bool:
    """Return whether an IP-Adapter of the hub, or its encoder, is not on this computer."""
    return _adapter_missing_at(time.monotonic() // _LOOK_EVERY_S, name)


@lru_cache(maxsize=32)
def _adapter_missing_at(moment: float, name: str) -> bool:
    return not is_adapter_here(name)


def lacks_rest(name: str | None) -> bool:
    """Return whether a model's path leads to a network alone, whose rest is not here."""
    return bool(name) and _lacks_rest_at(time.monotonic() // _LOOK_EVERY_S, str(name))


@lru_cache(maxsize=16)
def _lacks_rest_at(moment: float, path: str) -> bool:
    try:
        return is_file(Path(path)) and bool(rest_to_fetch(Path(path)))
    except EngineError:
        return False  # which is said as the model's problem


def start(name: str) -> None:
    """Begin to fetch a model into the hub's cache; of a file that is a network alone the rest.

    Raises: EngineError where it cannot begin.
    """
    if not bpy.app.online_access:
        raise EngineError(
            "Blender is set to stay offline",
            kind="network",
            advice="allow online access (Preferences > System > Network) to download a model",
        )
    doing = f"the model {name} is being downloaded"
    words = ("download", name, "--json")
    lines = engine.output_of(words, kind="model", is_cancelled=task.is_cancelled)
    task.start(doing, TaskProgress(title=_title(name)), _fetch(name, lines))
    engine.keep_going()


def remove(name: str) -> None:
    """Remove a model from the hub's cache.

    Raises: EngineError.
    """
    engine.session.unload()
    try:
        for _ in engine.output_of(("remove", name), kind="model"):
            pass
    finally:
        look_again()


def _title(name: str) -> str:
    return name.rpartition("/")[2]


def _fetch(name: str, lines: Iterator[str]) -> Iterator[TaskProgress]:
    try:
        for line in lines:
            if line.startswith('{"done_bytes"'):
                progress = json.loads(line)
                done, total = int(progress["done_bytes"]), int(progress["total_bytes"])
                yield TaskProgress(title=_title(name), done_bytes=done, total_bytes=total)
    finally:
        look_again()


def unregister() -> None:
    """End a download that may run; what has arrived is kept."""
    task.cancel()
    task.pump(2)
