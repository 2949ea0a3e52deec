"""Weights and parts of prompts, as other programs write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.prompt_syntax import MOST_WEIGHT, read_weights


def read(prompt: str) -> list[list[tuple[str, float]]]:
    parts = read_weights(prompt).parts
    return [[(one.text, round(one.weight, 4)) for one in part] for part in parts]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a (red:1.3) wall", [("a ", 1), ("red", 1.3), (" wall", 1)]),
        ("(red : .5 )", [("red ", 0.5)]),
        ("(red)", [("red", 1.1)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", 0.9091)]),
        ("((old:1.5) wall:0.5)", [("old", 0.75), (" wall", 0.5)]),
        ("(at 12:30:1.2)", [("at 12:30", 1.2)]),
        ("(red:1.0) wall", [("red wall", 1)]),
        ("([red])", [("red", 1)]),
        (r"\(red\) \[x\] \\", [("(red) [x] \\", 1)]),
        (r"(red\):1.2)", [("red)", 1.2)]),
        ("c:\\x", [("c:\\x", 1)]),
        ("a) wall", [("a) wall", 1)]),
        ("(a wall", [("(a wall", 1)]),
        ("(a [b:1.2)", [("a [b", 1.2)]),
        ("([a)]", [("[a", 1.1), ("]", 1)]),
        ("(red:1.2.3)", [("red:1.2.3", 1.1)]),
        ("(red:1e3)", [("red:1e3", 1.1)]),
        ("(red:-1)", [("red", 0)]),
        ("(red:99999)", [("red", MOST_WEIGHT)]),
        ("()", [("", 1)]),
        ("(:2)", [("", 1)]),
        ("", [("", 1)]),
    ],
)
def test_weights_are_read(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert read(prompt) == [expected]


def test_break_parts_a_prompt_also_within_brackets_and_nothing_is_no_part() -> None:
    assert read("a BREAK b") == [[("a ", 1)], [(" b", 1)]]
    assert read("(a BREAK b:1.2) c") == [[("a ", 1.2)], [(" b", 1.2), (" c", 1)]]
    assert read("BREAK a BREAK BREAK") == [[(" a ", 1)]]
    assert read("breaking BREAKFAST") == [[("breaking BREAKFAST", 1)]]


@given(st.text(alphabet="ab(:)[]1.3 \\,BREK\n", max_size=60))
def test_any_text_is_read_and_without_a_sign_stays_what_it_is(prompt: str) -> None:
    found = read_weights(prompt)
    assert found.parts
    assert all(0 <= one.weight <= MOST_WEIGHT for part in found.parts for one in part)
    if not any(sign in prompt for sign in ("(", ")", "[", "]", "\\", "BREAK")):
        assert found.is_plain
        assert found.first_words in (prompt, "")


@pytest.mark.parametrize("part", ["(", "(x", "x:1.1)", "[(", ": ", "\\", "(x:1.1)"])
def test_a_prompt_as_long_as_a_file_is_read_once_through(part: str) -> None:
    prompt = part * 20_000 + ")" * 20_000
    assert read_weights.__wrapped__(prompt).parts
