"""What of the settings makes a job's reference pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bpy

from ..contract import ModelFacts, ReferencePicture, adapter_name_for
from .model_facts import model_path
from .model_settings import exact


def references_of(
    listed: Any, facts: ModelFacts, file_of: Callable[[bpy.types.Image | None], str]
) -> Iterator[ReferencePicture]:
    """Yield the references of a list that are on; `file_of` gives the file of a picture."""
    for one in listed:
        if one.enabled:
            yield ReferencePicture(
                image=file_of(one.image),
                model=adapter_name_for(model_path(one.model), facts),
                **{key: exact(getattr(one, key)) for key in ("scale", "start", "end")},
            )
