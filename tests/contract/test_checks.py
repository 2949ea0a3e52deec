"""Every problem at once, each naming field, value and remedy."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.checks import check
from engine.contract.errors import JobError, Problem
from engine.contract.families import DEFAULT_FAMILY
from engine.contract.limits import Limits
from engine.contract.models import ModelFacts
from engine.contract.parse import parse_json
from tests.contract.jobs import jobs, right_job

NAN, INFINITY = float("nan"), float("inf")


def found(document: object, folder: Path = Path(), limits: Limits | None = None) -> list[Problem]:
    return list(check(document, folder=folder, limits=limits).problems)


def changed(**changes: Any) -> dict[str, Any]:
    return {**right_job(), **changes}


def with_region(**changes: Any) -> dict[str, Any]:
    job = right_job()
    job["regions"][0].update(changes)
    return job


def with_reroll(**changes: Any) -> dict[str, Any]:
    job = right_job()
    job["reroll_regions"][0].update(changes)
    return job


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in right_job().items() if name != key}


def test_a_right_job_has_no_problems() -> None:
    assert found(right_job()) == []


@pytest.mark.parametrize(
    ("document", "field", "says", "remedy"),
    [
        (with_region(row_end=62), "regions[0].row_end", "62 is not a multiple of 8", "64"),
        (with_region(row_init=-8), "regions[0].row_init", "-8 is negative", "0"),
        (with_region(col_end=136), "regions[0].col_end", "136 lies outside", "128 or less"),
        (
            with_region(row_init=64, row_end=0),
            "regions[0].row_end",
            "0 is not greater than row_init, which is 64",
            "swap",
        ),
        (
            with_region(col_init=64, col_end=64),
            "regions[0].col_end",
            "64 is not greater than col_init, which is 64",
            "72",
        ),
        (with_region(row_end=64.5), "regions[0].row_end", "64.5 is not a whole number", "whole"),
        (with_region(row_end=True), "regions[0].row_end", "true is not a whole", "whole number"),
        (with_region(row_end="64"), "regions[0].row_end", '"64" is not a whole', "whole number"),
        (with_region(promt="x"), "regions[0].promt", "is not known", "'prompt'"),
        (with_region(type="image2imag"), "regions[0].type", "is not known", "'image2image'"),
        (with_region(type=None), "regions[0].type", "is missing", "text2image"),
        (with_region(prompt=["x"]), "regions[0].prompt", "is not a text", "quotes"),
        (with_region(prompt="a\ud800b"), "regions[0].prompt", "half of a character", "remove"),
        (with_region(mask_type="gauss"), "regions[0].mask_type", '"gauss" is not', "'gaussian'"),
        (with_region(mask_weight=-1), "regions[0].mask_weight", "-1 is negative", "0"),
        (with_region(mask_weight=NAN), "regions[0].mask_weight", "NaN is not a finite", "number"),
        (with_region(mask_weight=INFINITY), "regions[0].mask_weight", "Infinity", "number"),
        (with_region(mask_weight=10**400), "regions[0].mask_weight", "is above", "1000000"),
        (with_region(guidance_scale="8"), "regions[0].guidance_scale", "not a number", "null for"),
        (with_region(guidance_scale=NAN), "regions[0].guidance_scale", "NaN", "number"),
        (with_region(noise_eps=-0.1), "regions[0].noise_eps", "-0.1 is negative", "0"),
        (with_region(region_seed=-1), "regions[0].region_seed", "-1 is negative", "random"),
        (with_region(region_seed=2**64), "regions[0].region_seed", "is above", "from 0 to"),
        (with_reroll(row_end=4), "reroll_regions[0].row_end", "not a multiple of 8", "8"),
        (with_reroll(reroll_mode="rest"), "reroll_regions[0].reroll_mode", "not known", "'reset'"),
        (with_reroll(prompt="x"), "reroll_regions[0].prompt", "is not known", "use one of"),
        (changed(base_strength=1.5), "base_strength", "1.5 is above 1", "from 0 to 1"),
        (changed(base_end=-0.1), "base_end", "-0.1 is negative", "from 0 to 1"),
        (changed(base_prompt=None), "base_prompt", "is not a text", "quotes"),
        (changed(base_guidance_scale=None), "base_guidance_scale", "not a number", "number"),
        (changed(canvas_height=60), "canvas_height", "60 is not a multiple of 8", "64"),
        (changed(canvas_width=0), "canvas_width", "0 is below 1", "1 or more"),
        (changed(num_inference_steps=0), "num_inference_steps", "0 is below 1", "from 1 to"),
        (changed(num_inference_steps=2.5), "num_inference_steps", "2.5 is not a whole", "whole"),
        (changed(scheduler="dimm"), "scheduler", '"dimm" is not known', "'ddim'"),
        (changed(scheduler="lcm", num_inference_steps=51), "num_inference_steps", "lcm", "8"),
        (changed(scheduler="tcd", num_inference_steps=51), "num_inference_steps", "tcd", "8"),
        (changed(version=2), "version", "2 is above 1", "from 1 to 1"),
        (changed(cpu_vae=1), "cpu_vae", "1 is neither true nor false", "true or false"),
        (changed(noise_device="gpu"), "noise_device", "not known", "'cpu'"),
        (changed(model=" "), "model", "empty", "leave the key out"),
        (changed(canvas_widht=8), "canvas_widht", "is not known", "'canvas_width'"),
        (changed(regions={}), "regions", "{} is not a list", "list"),
        (changed(regions=[3]), "regions[0]", "3 is not a region", "braces"),
        (changed(regions=[]), "regions", "no region has a prompt", "text2image"),
        (without("regions"), "regions", "no region has a prompt", "text2image"),
        (without("canvas_width"), "canvas_width", "is missing", "add it"),
        ([], "", "[] is not a job", "braces"),
        (None, "", "null is not a job", "braces"),
    ],
)
def test_each_wrong_input_is_named_with_its_remedy(
    document: object, field: str, says: str, remedy: str
) -> None:
    problems = [problem for problem in found(document) if problem.field == field]
    assert len(problems) == 1
    assert problems[0].severity == "error"
    assert says in problems[0].message
    assert remedy in problems[0].remedy
    assert check(document, folder=Path()).job is None


def test_all_problems_come_at_once() -> None:
    document = changed(
        seed="x", canvas_widht=1, regions=[{"type": "text2image", "row_init": 3}, {"type": "x"}]
    )
    fields = {problem.field for problem in found(document)}
    assert fields >= {
        "seed",
        "canvas_widht",
        "regions[0].row_init",
        "regions[0].row_end",
        "regions[0].col_init",
        "regions[0].col_end",
        "regions[1].type",
    }


def test_the_error_lists_every_problem_in_one_text() -> None:
    checked = check(changed(seed=-1, cpu_vae=3), folder=Path())
    with pytest.raises(JobError) as caught:
        checked.job_or_raise()
    assert str(caught.value).splitlines() == [str(problem) for problem in checked.problems]


def test_a_part_that_nothing_covers_is_a_warning_that_says_how_much() -> None:
    checked = check(with_region(col_end=96), folder=Path())
    assert checked.job is not None
    assert [(p.field, p.severity) for p in checked.problems] == [("regions", "warning")]
    assert "25.0%" in checked.problems[0].message


def test_a_region_of_weight_zero_covers_nothing() -> None:
    assert "100.0%" in found(with_region(mask_weight=0))[0].message


@pytest.mark.parametrize(
    "reroll",
    [{"reroll_mode": "epsilon", "noise_eps": 0}, {"reroll_mode": "reset", "noise_eps": 0.5}],
)
def test_a_reroll_that_does_nothing_is_a_warning(reroll: dict[str, Any]) -> None:
    problems = found(with_reroll(**reroll))
    assert [(p.field, p.severity) for p in problems] == [("reroll_regions[0].noise_eps", "warning")]


def test_a_prompt_that_no_guidance_follows_is_a_warning() -> None:
    (problem,) = found(with_region(guidance_scale=0))
    assert (problem.field, problem.severity) == ("regions[0].guidance_scale", "warning")
    assert "use 1" in problem.remedy
    assert found(with_region(guidance_scale=0, prompt="")) == []
    assert found(with_region(guidance_scale=1)) == []


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        (with_region(prompt=""), "regions[0].prompt", "paints what it likes"),
        (with_region(prompt=" \n"), "regions[0].prompt", "paints what it likes"),
        (with_region(feather_px=8), "regions[0].feather_px", "no effect on the falloff gaussian"),
        (with_region(mask_area="canvas"), "regions[0].mask_area", "no effect without a mask"),
    ],
)
def test_what_has_no_effect_is_said(document: object, field: str, says: str) -> None:
    (problem,) = found(document)
    assert (problem.field, problem.severity) == (field, "warning")
    assert says in problem.message
    assert found(with_region(mask_type="feather", feather_px=8)) == []
    assert found(with_region(feather_px=64, mask_area="region")) == []


def test_a_reference_of_which_nothing_stays_is_said() -> None:
    document = with_picture("photo.png")
    document["regions"][1]["strength"] = 0
    (problem,) = check(document, folder=None).problems
    assert (problem.field, problem.severity) == ("regions[1].strength", "warning")


@pytest.mark.parametrize("start", ["(a:1", "(:", "{|", "<lora:", "[a:1", "__a/", "((", "[:"])
def test_a_prompt_of_any_length_is_read_at_once(start: str) -> None:
    began = time.monotonic()
    found(with_region(prompt=start * 10**5))
    found(with_region(prompt=start[:-1] + start[-1] * 10**6))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("model", "steps", "guidance", "fields"),
    [
        ("stabilityai/sd-turbo", 50, 8, ["num_inference_steps", "regions[0].guidance_scale"]),
        ("stabilityai/sd-turbo", 2, 1, []),
        ("SimianLuo/LCM_Dreamshaper_v7", 20, 8, ["num_inference_steps"]),
        ("SimianLuo/LCM_Dreamshaper_v7", 6, 8, []),
        ("somebody/unknown-turbo", 50, 8, []),
    ],
)
def test_a_model_for_few_steps_warns_of_many_and_of_much_guidance(
    model: str, steps: int, guidance: float, fields: list[str]
) -> None:
    job = {**with_region(guidance_scale=guidance), "model": model, "num_inference_steps": steps}
    problems = found(job)
    assert [problem.field for problem in problems] == fields
    assert {problem.severity for problem in problems} <= {"warning"}


def test_a_canvas_over_the_limit_is_refused_and_the_limit_can_be_moved() -> None:
    limits = Limits(max_canvas_px=64 * 128 - 1)
    assert (
        "128 × 64 pixels is over the limit of 8191" in found(right_job(), limits=limits)[0].message
    )
    assert found(right_job(), limits=Limits(max_canvas_px=64 * 128)) == []


def test_the_grid_of_the_models_family_is_what_counts() -> None:
    document = with_region(col_end=120)
    facts = ModelFacts.of_family(replace(DEFAULT_FAMILY, grid_px=16))
    problems = check(document, folder=Path(), facts=facts).problems
    assert {p.field for p in problems if p.severity == "error"} == {
        "regions[0].col_end",
        "reroll_regions[0].row_end",
        "reroll_regions[0].col_end",
    }


def test_a_scheduler_must_suit_the_models_family() -> None:
    facts = ModelFacts.of_family(replace(DEFAULT_FAMILY, schedulers=("euler",)))
    (problem,) = check(changed(scheduler="ddim"), folder=Path(), facts=facts).problems
    assert problem.field == "scheduler"
    assert "does not suit" in problem.message
    assert "euler" in problem.remedy


def test_a_region_may_go_over_an_edge_that_wraps_and_no_farther() -> None:
    size = {"canvas_height": 256, "canvas_width": 512}

    def said(wrap: str, *sides: int) -> list[tuple[str, str]]:
        place = dict(zip(("row_init", "row_end", "col_init", "col_end"), sides, strict=True))
        region = {"type": "text2image", "prompt": "sea", **place}
        problems = found({**size, "wrap": wrap, "regions": [region]})
        return [(p.field, p.remedy) for p in problems if p.severity == "error"]

    assert said("both", 192, 320, 448, 576) == []
    assert said("both", 64, 320, 0, 512) == []
    assert said("x", 192, 320, 448, 576) == [("regions[0].row_end", "use 256 or less")]
    assert said("none", 0, 64, 448, 576) == [("regions[0].col_end", "use 512 or less")]
    assert said("x", 0, 64, 448, 968) == [("regions[0].col_end", "use 960 or less")]
    ((field, remedy),) = said("x", 0, 64, 576, 640)
    assert (field, "start at 64" in remedy) == ("regions[0].col_init", True)
    ((field, remedy),) = said("sideways", 0, 64, 0, 64)
    assert (field, "both" in remedy) == ("wrap", True)


def test_windows_must_have_room_for_something() -> None:
    (problem,) = found(changed(max_region_px=40))
    assert (problem.field, "320" in problem.remedy) == ("max_region_px", True)
    assert found(changed(max_region_px=64)) == []


def test_what_of_the_base_pass_is_missing_or_without_effect_is_told() -> None:
    def told(**changes: Any) -> list[tuple[str, str, str]]:
        return [(p.field, p.severity, p.remedy) for p in found(changed(**changes))]

    base = {"base_prompt": "a town", "base_strength": 0.3}
    assert told(**base) == told(base_end=0.2, base_guidance_scale=2) == []
    ((field, severity, remedy),) = told(base_strength=0.3)
    assert (field, severity) == ("base_prompt", "warning")
    assert "base_strength to 0" in remedy
    assert told(base_strength=0.3, base_guidance_scale=0) == []  # which asks for no prompt's
    ((field, _, remedy),) = told(base_prompt="a town")
    assert (field, "base_strength" in remedy) == ("base_prompt", True)
    ((field, _, _),) = told(**base, base_end=0)
    assert field == "base_end"
    assert [field for field, _, _ in told(**{**base, "base_prompt": "<lora:x:1>"})] == [
        "base_prompt"
    ]
    assert [field for field, _, _ in told(**base, base_guidance_scale=0)] == ["base_guidance_scale"]
    few = told(**base, model="stabilityai/sd-turbo", num_inference_steps=4)
    assert "base_guidance_scale" in [field for field, _, _ in few]


def test_a_problem_names_its_region() -> None:
    job = changed()
    job["regions"][0]["name"] = "House"
    job["regions"].append({**job["regions"][0], "row_end": 60})
    job["regions"].append({"type": "text2image", "row_init": -1})
    job["reroll_regions"][0]["row_end"] = 4
    named = {problem.field: problem.region for problem in found(job)}
    assert named["regions[1].row_end"] == "House"
    assert named["regions[2].row_init"] == "region 2"
    assert named["reroll_regions[0].row_end"] == "reroll 0"


def test_a_doubt_about_a_region_names_it_as_the_job_does() -> None:
    job = changed()
    for _ in range(2):
        job["regions"].append({**job["regions"][0], "name": "House", "guidance_scale": 0})
    assert [problem.region for problem in found(job)] == ["House", "House 2"]


def test_what_was_retired_is_read_and_said_where_it_asked_for_something() -> None:
    assert found(changed(reuse_attention=False)) == []
    (problem,) = found(changed(reuse_attention=True))
    assert (problem.field, problem.severity) == ("reuse_attention", "warning")


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def with_picture(name: str) -> dict[str, Any]:
    job = right_job()
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    job["regions"].append({"type": "image2image", **place, "reference_image": name})
    return job


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda path: None, "there is no file"),
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: path.write_bytes(b""), "not PNG"),
        (lambda path: path.write_text("a text"), "not PNG"),
        (lambda path: path.write_bytes(png_header(8, 8)[:40]), "ends too early"),
        (lambda path: path.write_bytes(png_header(0, 8)), "0 × 8"),
        (lambda path: path.write_bytes(png_header(60000, 60000)), "over the limit"),
        (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0"), "ends too early"),
    ],
)
def test_a_picture_that_cannot_serve_is_named(
    write: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    write(tmp_path / "photo.png")
    problems = found(with_picture("photo.png"), tmp_path)
    assert [p.field for p in problems] == ["regions[1].reference_image"]
    assert says in problems[0].message
    assert "photo.png" in problems[0].message
    assert problems[0].remedy


def test_a_picture_is_looked_for_beside_the_job(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(png_header(8, 8))
    assert found(with_picture("photo.png"), tmp_path) == []
    assert found(with_picture("photo.png"), tmp_path / "elsewhere") != []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1"),
        ('{"seed": 1,\n "seed": 2}', "'seed' stands twice"),
        (b"\xff\xfe{}", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("", "not JSON"),
    ],
)
def test_a_file_that_is_no_json_is_refused(text: str | bytes, says: str) -> None:
    with pytest.raises(JobError, match=says):
        parse_json(text)


def test_nan_in_a_file_reaches_the_check_and_is_named_there() -> None:
    document = parse_json(json.dumps(with_region(noise_eps=NAN)))
    assert [p.field for p in found(document)] == ["regions[0].noise_eps"]


@given(jobs())
def test_no_right_job_is_refused(document: dict[str, Any]) -> None:
    checked = check(document, folder=None)
    assert checked.job is not None
    assert all(problem.severity == "warning" for problem in checked.problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
JOB_KEYS = ("version", "model", "seed", "canvas_height", "regions", "reroll_regions", "cpu_vae")
REGION_KEYS = ("type", "row_init", "row_end", "col_end", "prompt", "mask_type", "reference_image")
GRID_KEYS = ("prompt", "gc_tiles", "seed_tiles", "seed_tiles_mode", "seed_reroll_regions", "gc")


@given(st.data(), jobs())
def test_whatever_stands_in_a_field_is_answered_with_problems_not_with_a_crash(
    data: st.DataObject, document: dict[str, Any]
) -> None:
    keys = st.sampled_from(JOB_KEYS)
    for key in data.draw(st.lists(keys, max_size=2)):
        document[key] = data.draw(JSON)
    if isinstance(document["regions"], list) and document["regions"]:
        region = document["regions"][0]
        if isinstance(region, dict):
            region[data.draw(st.sampled_from(REGION_KEYS))] = data.draw(JSON)
    checked = check(document, folder=Path("/nowhere"))
    assert (checked.job is None) == any(p.severity == "error" for p in checked.problems)
    for problem in checked.problems:
        assert problem.message
        assert problem.remedy
        assert Problem.from_document(problem.to_document()) == problem


@given(st.dictionaries(st.sampled_from(GRID_KEYS), JSON))
def test_whatever_stands_in_a_grid_is_answered_too(changes: dict[str, Any]) -> None:
    grid = {"prompt": [["a", "b"]], "tile_height": 64, "tile_width": 64, "steps": 3, **changes}
    checked = check(grid, folder=Path())
    assert (checked.job is None) == any(p.severity == "error" for p in checked.problems)
