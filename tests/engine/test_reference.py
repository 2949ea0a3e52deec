"""The engine against latents that another implementation of the method computed."""

from __future__ import annotations

import json
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.families.base import Model
from tests.engine.conftest import DATA, TINY_SD
from tests.engine.plain_mixture import plain_mixture
from tests.engine.runs import generated, latents, relative_error

CASES = sorted(path.stem for path in (DATA / "reference").glob("*.json"))


def reference(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    path = DATA / "reference" / f"{name}.json"
    return json.loads(path.read_text()), dict(np.load(path.with_suffix(".npz")))


def scheduler(name: str) -> Any:
    config = json.loads((TINY_SD / "scheduler" / "scheduler_config.json").read_text())
    classes = {"lms": diffusers.LMSDiscreteScheduler, "ddim": diffusers.DDIMScheduler}
    return classes[name].from_config(config)


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return diffusers.StableDiffusionPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )


@pytest.mark.parametrize("name", CASES)
def test_latents_and_picture_agree_with_the_reference(name: str, tiny: Model) -> None:
    document, expected = reference(name)
    found = generated(document, tiny)
    assert relative_error(found.latents.numpy(), expected["latents"]) < 1e-5
    difference = found.picture.astype(int) - expected["image"].reshape(found.picture.shape)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("canvas")])
def test_the_plain_mixture_agrees_with_the_reference_too(name: str, pipeline: Any) -> None:
    document, expected = reference(name)
    found = plain_mixture(pipeline, scheduler(document["scheduler"]), document)
    assert relative_error(found.numpy(), expected["latents"]) < 1e-5


def _sides(cells: int) -> st.SearchStrategy[tuple[int, int]]:
    ends = st.lists(st.integers(0, cells), min_size=2, max_size=2, unique=True)
    return ends.map(lambda pair: (min(pair) * 8, max(pair) * 8))


SEEDS = st.integers(0, 2**40)


@st.composite
def regions(draw: st.DrawFn, rows: int, columns: int, kind: str) -> dict[str, Any]:
    (row_init, row_end), (col_init, col_end) = draw(_sides(rows)), draw(_sides(columns))
    # Quartic weights of a single cell are a matter of definition, not of the method.
    place = {
        "row_init": row_init,
        "row_end": max(row_end, row_init + 16),
        "col_init": col_init,
        "col_end": max(col_end, col_init + 16),
    }
    own = {"region_seed": draw(SEEDS), "noise_eps": draw(st.sampled_from([0.0, 0.0, 0.3]))}
    match kind:
        case "text2image":
            more: dict[str, Any] = {
                "prompt": draw(st.sampled_from(["sky", "a  red\nhouse", ""])),
                "negative_prompt": draw(st.sampled_from([None, "", "blue"])),
                "guidance_scale": draw(st.sampled_from([0, 1, 3.5, 8])),
                "mask_type": draw(st.sampled_from(["constant", "gaussian", "quartic"])),
                "mask_weight": draw(st.sampled_from([0.1, 1, 2.5])),
            }
        case "image2image":
            strength = draw(st.sampled_from([0, 0.3, 0.8, 1]))
            more = {"reference_image": draw(st.sampled_from("ab")), "strength": strength}
        case _:
            mode = draw(st.sampled_from(["reset", "epsilon"]))
            return {**place, **own, "reroll_mode": mode}
    return {"type": kind, **place, **own, **more}


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    rows, columns = draw(st.integers(4, 8)), draw(st.integers(4, 8))

    def some(kind: str, fewest: int, most: int) -> list[dict[str, Any]]:
        return draw(st.lists(regions(rows, columns, kind), min_size=fewest, max_size=most))

    mixed = draw(st.permutations([*some("text2image", 1, 3), *some("image2image", 0, 2)]))
    return {
        "scheduler": draw(st.sampled_from(["lms", "ddim"])),
        "seed": draw(SEEDS),
        "num_inference_steps": draw(st.integers(1, 6)),
        "canvas_height": (rows + 2) * 8,
        "canvas_width": (columns + 2) * 8,
        "negative_prompt": draw(st.sampled_from(["", "fog"])),
        "regions": mixed,
        "reroll_regions": some("reroll", 0, 2),
    }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=jobs())
def test_any_job_gives_what_the_plain_mixture_gives(
    document: dict[str, Any], tiny: Model, pipeline: Any
) -> None:
    drawn = torch.Generator().manual_seed(1)
    pictures = {name: torch.rand((1, 3, 64, 96), generator=drawn) * 2 - 1 for name in "ab"}
    expected = plain_mixture(pipeline, scheduler(document["scheduler"]), document, pictures)
    assert relative_error(latents(document, tiny, pictures), expected.numpy()) < 1e-4
