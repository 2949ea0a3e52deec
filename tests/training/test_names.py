"""The names that a model's folder tells are those that it is trained with."""

from __future__ import annotations

import json

from training import names
from training.export import USE, note
from training.painting.colours import NAMED
from training.painting.concepts import CONCEPTS
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import SUBJECTS


def test_every_thing_is_told_once_its_usual_name_first() -> None:
    told, kinds = names.things(), (*SUBJECTS, *CONCEPTS)
    assert told[: len(SUBJECTS)] == [subject.nouns[0] for subject in SUBJECTS]
    assert set(told) == {noun for kind in kinds for noun in kind.nouns}
    assert len(told) == len(set(told))


def test_looks_hold_colours_lights_seasons_and_styles() -> None:
    looks = names.looks()
    assert set(NAMED) <= set(looks)
    for kind in (*LIGHTS.values(), *SEASONS.values(), *STYLES.values()):
        assert set(kind.words) - {""} <= set(looks)
    assert "" not in looks
    assert len(looks) == len(set(looks))


def test_the_note_of_an_exported_model_has_both() -> None:
    told = json.loads(note())
    assert told == {**USE, "knows": names.things(), "looks": names.looks()}
