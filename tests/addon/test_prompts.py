"""Region prompts within the prompt of the whole picture."""

from __future__ import annotations

import pytest

from mixdiff_blender.job.prompts import region_prompt, whole_picture_prompt


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
