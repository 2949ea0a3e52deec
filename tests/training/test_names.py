"""The names that a model's folder tells are those that it is trained with."""

from __future__ import annotations

import json

from training import names
from training.export import USE, note
from training.painting.colours import NAMED
from training.painting.concepts import CONCEPTS


def test_every_thing_is_told_once_its_usual_name_first() -> None:
    told = names.things()
    assert told[: len(CONCEPTS)] == [concept.nouns[0] for concept in CONCEPTS]
    assert set(told) == {noun for concept in CONCEPTS for noun in concept.nouns}
    assert len(told) == len(set(told))


def test_looks_hold_the_colours() -> None:
    looks = names.looks()
    assert set(NAMED) <= set(looks)
    assert "" not in looks
    assert len(looks) == len(set(looks))


def test_the_note_of_an_exported_model_has_both() -> None:
    told = json.loads(note())
    assert told == {**USE, "knows": names.things(), "looks": names.looks()}
