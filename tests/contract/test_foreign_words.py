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
