"""Jobs on models of flow families: their grid, schedulers, sides and negative prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.contract.checks import check
from engine.contract.families import FAMILIES
from engine.contract.models import ModelFacts, facts_of

FLOWS = {name: f for name, f in FAMILIES.items() if f.network == "transformer"}
each_flow = pytest.mark.parametrize("family", FLOWS)


def job(side: int = 1024, **more: Any) -> dict[str, Any]:
    region = {"type": "text2image", "prompt": "a tower", "row_init": 0, "col_init": 0}
    bounds = {"row_end": side, "col_end": side}
    size = {"canvas_height": side, "canvas_width": side}
    return {**size, "regions": [{**region, **bounds, **more.pop("region", {})}], **more}


def said(family: str, document: dict[str, Any]) -> str:
    facts = ModelFacts.of_family(FAMILIES[family])
    return "\n".join(str(problem) for problem in check(document, folder=None, facts=facts).problems)


@each_flow
def test_sides_are_multiples_of_sixteen_pixels(family: str) -> None:
    assert said(family, job()) == ""
    assert "multiple of 16" in said(family, job(1032))


@each_flow
def test_schedulers_for_noise_are_refused(family: str) -> None:
    assert "does not suit" in said(family, job(scheduler="ddim"))
    assert said(family, job(scheduler="dpmpp_2m")) == ""


@each_flow
def test_a_negative_prompt_that_no_such_model_hears_is_told(family: str) -> None:
    for document in (job(negative_prompt="fog"), job(region={"negative_prompt": "fog"})):
        told = "takes no negative prompt" in said(family, document)
        assert told is not FAMILIES[family].takes_negative


@pytest.mark.parametrize(("family", "most"), [("sd3", 3072), ("z_image", 8192)])
def test_a_region_that_the_network_cannot_look_at_says_how_to_cut_it(
    family: str, most: int
) -> None:
    assert said(family, job(most)) == ""
    large = job(most + 16)
    large["canvas_height"] = large["regions"][0]["row_end"] = 1024
    assert "max_region_px" in said(family, large)
    assert said(family, {**large, "max_region_px": 1024}) == ""


@pytest.mark.parametrize(
    ("class_name", "files", "steps", "guidance"),
    [
        ("Flux2KleinPipeline", {"model_index.json": {"is_distilled": True}}, 4, 1.0),
        ("Flux2KleinPipeline", {"model_index.json": {"is_distilled": False}}, 50, 4.0),
        ("FluxPipeline", {"transformer/config.json": {"guidance_embeds": False}}, 4, 1.0),
        ("FluxPipeline", {"transformer/config.json": {"guidance_embeds": True}}, 28, 3.5),
        ("ZImagePipeline", {"scheduler/scheduler_config.json": {"shift": 3.0}}, 9, 1.0),
        ("ZImagePipeline", {"scheduler/scheduler_config.json": {"shift": 6.0}}, 30, 5.0),
        ("Krea2Pipeline", {"model_index.json": {"is_distilled": True}}, 8, 1.0),
    ],
)
def test_a_folder_says_whether_it_was_made_for_few_steps(
    class_name: str,
    files: dict[str, dict[str, Any]],
    steps: int,
    guidance: float,
    tmp_path: Path,
) -> None:
    for name, values in {"model_index.json": {}, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        index = {"_class_name": class_name} if name == "model_index.json" else {}
        path.write_text(json.dumps({**index, **values}))
    facts = facts_of(str(tmp_path))
    assert (facts.num_inference_steps, facts.guidance_scale) == (steps, guidance)
    assert facts.grid_px == 16
