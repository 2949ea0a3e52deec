"""What people bring along from other programs: keys, prompt syntax, names of models."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.contract.errors import ModelError
from engine.contract.models import require_model
from tests.contract.test_checks import changed, found, with_region


@pytest.mark.parametrize(
    ("document", "field", "remedy"),
    [
        (changed(steps=20), "steps", "write 'num_inference_steps'"),
        (changed(sampler_name="DDIM"), "sampler_name", "write 'scheduler'"),
        (changed(cfg_scale=7), "cfg_scale", "write 'guidance_scale' in each region"),
        (changed(prompt="a wall"), "prompt", "write 'prompt' in each region"),
        (with_region(cfg_scale=7), "regions[0].cfg_scale", "write 'guidance_scale'"),
        (with_region(seed=7), "regions[0].seed", "write 'region_seed'"),
        (with_region(steps=7), "regions[0].steps", "beside the regions"),
        (changed(scheduler="Euler a"), "scheduler", "'euler_a'"),
        (changed(scheduler="DPM++ 2M Karras"), "scheduler", "'dpmpp_2m_karras'"),
    ],
)
def test_what_other_programs_call_a_key_gets_the_right_hint(
    document: object, field: str, remedy: str
) -> None:
    (problem,) = found(document)
    assert problem.field == field
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    "text",
    [
        *("(red:1.9) bricks", "bricks (old, worn : .5)", "a <lora:house_v2:0.8> b", "a BREAK b"),
        *("((red)) bricks", "embedding:bad_hands", "a __colour__ wall", "a {red|blue} wall"),
        "a [red:blue:0.5] wall",
    ],
)
def test_the_prompt_syntax_of_other_programs_is_not_passed_over(text: str) -> None:
    for document, field in (
        (with_region(prompt=text), "regions[0].prompt"),
        (changed(negative_prompt=text), "negative_prompt"),
    ):
        (problem,) = found(document)
        assert (problem.field, problem.severity) == (field, "warning")
        assert "read as words" in problem.message


FLOW = {"model": "black-forest-labs/FLUX.1-dev", "reroll_regions": []}


def test_weights_that_a_model_can_read_are_offered_and_others_are_not() -> None:
    remedy = 'set prompt_syntax to "weights", which reads it'
    for text in ("(red:1.9) bricks", "a BREAK b"):
        (problem,) = found(with_region(prompt=text))
        assert problem.remedy == remedy
        (problem,) = found(with_region(prompt=text) | FLOW)
        assert "prompt_syntax" not in problem.remedy


@pytest.mark.parametrize("text", ["(red:1.3) bricks", "((red)) bricks", "a BREAK b", "[old] wall"])
def test_where_weights_are_read_they_are_no_words(text: str) -> None:
    document = {**with_region(prompt=text), "prompt_syntax": "weights"}
    assert found(document) == []
    flow = found(document | FLOW)
    assert [p.field for p in flow] == ([] if text.startswith("[") else ["regions[0].prompt"])
    assert all("read as words" in p.message for p in flow)


@pytest.mark.parametrize(
    "text", ["a <lora:house_v2:0.8> b", "a {red|blue} wall", "a [red:blue:0.5] wall", "[a|b] wall"]
)
def test_what_weights_do_not_cover_stays_words(text: str) -> None:
    (problem,) = found({**with_region(prompt=text), "prompt_syntax": "weights"})
    assert "read as words" in problem.message


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("a (red wall", '"(" has no partner', "write \\("),
        ("a wall :)", '")" has no partner', "write \\)"),
        ("(red:1,3) wall", '"1,3" is no weight', "such as 1.3"),
        ("(red:-1) wall", '"red" has the weight -1, which counts as 0', "negative prompt"),
        ("((red:4):4) wall", '"red" has the weight 16, which counts as 10', "0.5 to 1.5"),
        ("(red:3) wall", '"red" has the weight 3, which spoils', "1.1 to 1.5"),
    ],
)
def test_what_is_odd_about_weights_is_said(text: str, message: str, remedy: str) -> None:
    for document, field in (
        (with_region(prompt=text), "regions[0].prompt"),
        (changed(negative_prompt=text), "negative_prompt"),
    ):
        (problem,) = found({**document, "prompt_syntax": "weights"})
        assert (problem.field, problem.severity) == (field, "warning")
        assert message in problem.message
        assert remedy in problem.remedy


@pytest.mark.parametrize(
    "text", ["bricks (old)", "at 12:30", "{a}", "__init", "[x]", "a < b > c", "breaking waves"]
)
def test_plain_words_are_plain_words(text: str) -> None:
    assert found(with_region(prompt=text)) == []


@pytest.mark.parametrize("name", ["~nobody-here/x", "~", "~/none", "a" * 250, "c:\\x"])
def test_any_name_of_a_model_can_be_looked_for(name: str, tmp_path: Path) -> None:
    assert found(changed(model=name), folder=tmp_path) == []
    with pytest.raises(ModelError):
        require_model(name, tmp_path)


@pytest.mark.parametrize("name", ["a" * 5000, f"a/{'b' * 300}", f"a\\{'ö' * 200}/c"])
def test_a_name_that_no_file_can_have_is_refused(name: str, tmp_path: Path) -> None:
    (problem,) = found(changed(model=name), folder=tmp_path)
    assert (problem.field, problem.severity) == ("model", "error")
    assert "more than 255 letters" in problem.message
