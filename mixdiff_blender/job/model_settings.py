"""The settings that suit a scene's model, apart from those that a person chose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..contract import ModelFacts, Text2ImageRegion
from ..properties import SCHEDULER_OF_MODEL, RegionSettings, canvas, canvas_settings
from .model_facts import facts_of_model
from .regions.entries import sources


def exact(value: float) -> float:
    """Return a number of Blender's as a person typed it: 0.8, not 0.800000011920929."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    owner: Any
    name: str
    """The property's and the facts'."""

    @property
    def value(self) -> float:
        return exact(getattr(self.owner, self.name))

    def suiting(self, facts: ModelFacts) -> float:
        return getattr(facts, self.name)  # type: ignore[no-any-return]

    def is_chosen(self, facts: ModelFacts) -> bool:
        """Return whether a person chose the value, where it followed a model so far."""
        return self.owner.is_property_set(self.name) and self.value != self.suiting(facts)

    def set(self, facts: ModelFacts) -> None:
        setattr(self.owner, self.name, self.suiting(facts))


def _settings(scene: bpy.types.Scene) -> Iterator[_Setting]:
    """Return what depends on the model: the canvas's steps, its guidance and each text region's."""
    canvas = canvas_settings(scene)
    yield _Setting(owner=canvas, name="num_inference_steps")
    for owner in (canvas, *text_regions(scene)):
        yield _Setting(owner=owner, name="guidance_scale")


def text_regions(scene: bpy.types.Scene) -> Iterator[RegionSettings]:
    """Return the settings of each text region that belongs to this file."""
    for source in sources(scene):
        is_ours = source.settings.id_data.library is None
        if is_ours and source.settings.type == Text2ImageRegion.TYPE:
            yield source.settings


def follow_model(scene: bpy.types.Scene) -> None:
    """Give what nobody chose the values that suit the scene's model: for after another is chosen.

    What still has the former model's value was chosen by nobody.
    """
    settings = canvas_settings(scene)
    before, now = followed_model(scene), facts_of_model(settings.model)
    for setting in _settings(scene):
        if not setting.is_chosen(before):
            setting.set(now)
    settings.settings_of = settings.model


def followed_model(scene: bpy.types.Scene) -> ModelFacts:
    """Return the model whose values those settings have that nobody chose."""
    return facts_of_model(canvas_settings(scene).settings_of)


def value_for(owner: Any, name: str, followed: ModelFacts, used: ModelFacts) -> Any:
    """Return a setting's value for a model that may be used for one call instead of the scene's."""
    setting = _Setting(owner=owner, name=name)
    return setting.value if setting.is_chosen(followed) else setting.suiting(used)


def has_own_settings(scene: bpy.types.Scene) -> bool:
    """Return whether a person has chosen something else than what suits the scene's model."""
    settings = canvas_settings(scene)
    facts = facts_of_model(settings.model)
    is_own = any(setting.is_chosen(facts) for setting in _settings(scene))
    return is_own or settings.scheduler != SCHEDULER_OF_MODEL


def use_model_settings(scene: bpy.types.Scene) -> None:
    """Give all that depends on the model the values that suit it."""
    settings = canvas_settings(scene)
    facts = facts_of_model(settings.model)
    for setting in _settings(scene):
        setting.set(facts)
    settings.scheduler = SCHEDULER_OF_MODEL
    settings.settings_of = settings.model


def register() -> None:
    """Have the settings follow the model."""
    canvas.when_model_chosen = follow_model


def unregister() -> None:
    """Leave the settings as they are."""
    canvas.when_model_chosen = None
