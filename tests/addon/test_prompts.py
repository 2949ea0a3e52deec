"""Region prompts within the prompt of the whole picture."""

from __future__ import annotations

import pytest

from mixdiff_blender.job.prompts import (
    escaped,
    fields_in,
    filled,
    region_prompt,
    whole_picture_prompt,
)


@pytest.mark.parametrize(
    ("root", "prompt", "expected"),
    [
        ("", "", ""),
        ("", "a house", "a house"),
        ("watercolour, evening", "a house", "a house, watercolour, evening"),
        (" watercolour ", " a house ", "a house, watercolour"),
        ("watercolour", "", "watercolour"),
        ("a sketch of {prompt} at dusk", "a house", "a sketch of a house at dusk"),
        ("{prompt}", "a house", "a house"),
        ("{prompt} and {prompt}", "a house", "a house and a house"),
        ("{prompt}, oil", "a {prompt}", "a {prompt}, oil"),
        ("{{prompt}}, oil", "a house", "a house, {{prompt}}, oil"),
        ("a sketch of {prompt}, dusk", "", "a sketch, dusk"),
    ],
)
def test_a_regions_prompt_stands_within_the_roots(root: str, prompt: str, expected: str) -> None:
    assert region_prompt(root, prompt) == expected


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("evening", "evening"),
        ("{prompt}", ""),
        ("{prompt}, evening", "evening"),
        ("fog, {prompt}, evening", "fog, evening"),
        ("evening, {prompt}", "evening"),
        ("a sketch of {prompt} at dusk", "a sketch at dusk"),
        ("a wide {prompt} view", "a wide view"),
    ],
)
def test_without_a_region_nothing_is_left_of_its_place(root: str, expected: str) -> None:
    assert whole_picture_prompt(root) == expected


WORDS = {"object": "old house", "material": "", "collection": "village", "frame": "12"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an {object} in a {collection}, frame {frame}", "an old house in a village, frame 12"),
        ("a wall of {material}, evening", "a wall, evening"),
        ("{material}, evening", "evening"),
        ("{{object}} and }} and {", "{object} and } and {"),
        ("{{{object}}}", "{old house}"),
        ("{nobody}, {a|b}, {}", "{nobody}, {a|b}, {}"),
    ],
)
def test_fields_become_the_scenes_words(text: str, expected: str) -> None:
    assert filled(text, WORDS) == expected


def test_only_names_in_single_braces_are_fields() -> None:
    assert list(fields_in("{object} {{frame}} {a b} {nobody} {")) == ["object", "nobody"]


@pytest.mark.parametrize("text", ["{object}", "{{object}}", "a } b { c", "{}"])
def test_an_escaped_prompt_means_what_it_says(text: str) -> None:
    assert filled(escaped(text), WORDS) == text


def test_escaping_keeps_the_place_of_the_regions_prompt() -> None:
    assert escaped("{prompt}, {object}", keeping="{prompt}") == "{prompt}, {{object}}"
