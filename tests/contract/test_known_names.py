"""What a model says that it knows: in its folder, in prompts, and while one is typed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.known_names import completions, holds_name, names_near
from engine.contract.models import facts_of

NAMES = ("brick wall", "hills", "sky with clouds", "grass", "bricks", "rolling hills")


def test_the_bundled_model_tells_what_it_knows_in_words_that_it_reads_whole() -> None:
    facts = facts_of("bundled")
    assert {"brick wall", "grass", "sky"} <= set(facts.knows)
    assert {"red", "turquoise", "dark"} <= set(facts.looks)
    read = json.loads((BUNDLED_FOLDER / "tokenizer/vocab.json").read_text())
    words = {
        word for name in (*facts.knows, *facts.looks) for word in re.findall("[a-z]+|[^a-z ]", name)
    }
    assert {word for word in words if f"{word}</w>" not in read} == set()


def test_any_folder_may_tell_what_its_model_knows(tmp_path: Path) -> None:
    note = {"knows": ["robot", " old  car "], "looks": ["neon"]}
    (tmp_path / "mixdiff.json").write_text(json.dumps(note))
    facts = facts_of(str(tmp_path))
    assert (facts.knows, facts.looks) == (("robot", "old car"), ("neon",))


def test_what_says_nothing_knows_nothing_in_particular(tmp_path: Path) -> None:
    for name in (str(tmp_path), "stabilityai/sd-turbo", "no/such"):
        assert facts_of(name).knows == facts_of(name).looks == ()


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("grass", ()),
        ({"grass": 1}, ()),
        (None, ()),
        ([], ()),
        (["grass", 3, None, ["sky"], "", "  ", "grass"], ("grass",)),
        (["x" * 101, "a\u0007b", "robot"], ("robot",)),
        ([str(number) for number in range(100_000)], None),
    ],
)
def test_a_damaged_list_is_no_reason_to_fail(told: Any, names: Any, tmp_path: Path) -> None:
    (tmp_path / "mixdiff.json").write_text(json.dumps({"knows": told}))
    known = facts_of(str(tmp_path)).knows
    assert known == names if names is not None else len(known) == 5000


@pytest.mark.parametrize(
    "prompt",
    [
        "grass",
        "a Brick Wall, old",
        "(bricks:1.2)",
        "brick-wall",
        "{prompt} of grass",
        "sky  with clouds",
    ],
)
def test_a_name_is_found_word_by_word(prompt: str) -> None:
    assert holds_name(prompt, NAMES)


@pytest.mark.parametrize("prompt", ["", "grasshopper", "wall of brick", "sky", "{grass}", "brick"])
def test_parts_of_names_are_none(prompt: str) -> None:
    assert not holds_name(prompt, NAMES)


@pytest.mark.parametrize(
    ("prompt", "near"),
    [
        ("a castle on a hill", ("hills",)),
        ("gras", ("grass",)),
        ("old brick", ("brick wall", "bricks")),
        ("robot", ()),
        ("of a on", ()),
        ("", ()),
    ],
)
def test_names_spelled_alike_are_near(prompt: str, near: tuple[str, ...]) -> None:
    assert names_near(prompt, NAMES) == near


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", list(NAMES)),
        ("br", ["brick wall", "bricks"]),
        ("an old Bri", ["an old brick wall", "an old bricks"]),
        ("grass, hi", ["grass, hills", "grass, rolling hills"]),
        ("sky with c", ["sky with clouds"]),
        ("a wall", ["a brick wall"]),
        ("sky ", ["sky with clouds"]),
        ("moss", []),
        ("{prompt}, gr", ["{prompt}, grass"]),
    ],
)
def test_the_last_words_are_completed_to_names(text: str, expected: list[str]) -> None:
    assert list(completions(text, NAMES)) == expected


def test_after_a_comma_every_name_may_come() -> None:
    assert list(completions("grass,", NAMES)) == [f"grass, {name}" for name in NAMES]
