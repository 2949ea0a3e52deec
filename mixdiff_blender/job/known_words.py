"""What a scene's model knows by name, beside the prompts that people type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import bpy

from ..contract import completions, holds_name, names_near
from ..properties import suggestions
from .model_facts import model_facts
from .regions.entries import sources

Field = Literal["prompt", "background", "style"]

_EXAMPLES = 3


def suggested(scene: bpy.types.Scene, text: str) -> Iterator[str]:
    """Yield what a prompt may become when its last words are completed.

    To names that the model knows, then to prompts of the scene's regions. Where nothing fits it
    may stay as it is: Blender says "No results found" to an empty list, as if that were wrong.
    """
    facts = model_facts(scene)
    used = (source.settings.prompt for source in sources(scene) if source.settings.prompt != text)
    found = tuple(completions(text, (*facts.knows, *facts.looks, *filter(None, used))))
    yield from found or filter(None, (text,))


def hint_of(scene: bpy.types.Scene, prompt: str, field: Field = "prompt") -> str:
    """Return what to tell who types a prompt with no name that the model knows; often nothing.

    A style may hold words for looks instead. Nothing is told where the model does not say what
    it knows.
    """
    facts = model_facts(scene)
    known = (*facts.looks, *facts.knows) if field == "style" else facts.knows
    if not facts.knows or not prompt.strip() or holds_name(prompt, known):
        return ""
    lack = f"The {field} names nothing that the model knows"
    if near := names_near(prompt, known):
        return f"{lack}; close to it: {', '.join(near)}"
    return f"{lack}; it knows {len(known)} names, such as {', '.join(known[:_EXAMPLES])}"


def register() -> None:
    """Offer names while a prompt is typed."""
    suggestions.names_known = suggested


def unregister() -> None:
    """Offer nothing any more."""
    suggestions.names_known = None
