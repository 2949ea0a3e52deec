"""The names that a model's folder tells are those that it is trained with."""

from __future__ import annotations

import json
from itertools import chain

from training import names
from training.export import USE, note
from training.painting.colours import NAMED
from training.painting.concepts import CONCEPTS
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import SUBJECTS


def test_every_thing_is_told_once_its_usual_name_first() -> None:
    told = names.things()
    nouns = [*(s.nouns for s in SUBJECTS), *(c.nouns for c in CONCEPTS)]
    assert told[: len(SUBJECTS)] == [subject.nouns[0] for subject in SUBJECTS]
    assert set(told) == set(chain.from_iterable(nouns))
    assert len(told) == len(set(told))


def test_looks_hold_colours_lights_seasons_and_styles() -> None:
    looks = names.looks()
    assert set(NAMED) <= set(looks)
    words = [kind.words for kinds in (LIGHTS, SEASONS, STYLES) for kind in kinds.values()]
    assert set(chain.from_iterable(words)) - {""} <= set(looks)
    assert "" not in looks
    assert len(looks) == len(set(looks))


def test_patterns_are_things_that_repeat() -> None:
    patterns = names.patterns()
    assert set(patterns) < set(names.things())
    assert {"brick wall", "cobblestone", "checkerboard"} <= set(patterns)
    assert not {"grass", "sky with clouds", "house"} & set(patterns)


def test_the_note_of_an_exported_model_has_all_of_them() -> None:
    told = {"knows": names.things(), "looks": names.looks(), "patterns": names.patterns()}
    assert json.loads(note()) == {**USE, **told}
