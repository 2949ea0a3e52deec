"""FLUX.2's own reference pictures, held to diffusers' pipelines and to separate runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import choose_device
from tests.engine.flow_families import FlowCase, Flux2, Flux2Klein
from tests.engine.runs import canvas, latents, relative_error, text_region
from tests.engine.test_adapters import as_image, followed
from tests.engine.tiny_adapters import reference
from tests.engine.tiny_controls import hint_bytes

CPU = choose_device("cpu", "float32")
HEIGHT, WIDTH, STEPS = 64, 128, 4
KLEIN = "black-forest-labs/FLUX.2-klein-4B"  # which settings are checked for
PICTURES = {"p": hint_bytes(90, 70, 1), "q": hint_bytes(64, 101, 2)}
ONE, OTHER = (reference(name, None) for name in PICTURES)
CASES = (Flux2(), Flux2Klein(distilled=False), Flux2Klein(distilled=True))
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label or case.name)


@pytest.fixture(scope="module")
def built() -> Any:
    known: dict[str, tuple[Any, Model]] = {}

    def build(case: FlowCase) -> tuple[Any, Model]:
        name = case.label or case.name
        if name not in known:
            pipeline = case.build()
            known[name] = pipeline, model_of(pipeline, CPU)
        return known[name]

    return build


def job(case: FlowCase, *references: Any) -> Any:
    region = text_region(0, HEIGHT, 0, WIDTH, "a tower", guidance_scale=case.guidance)
    settings = {"num_inference_steps": STEPS, "references": list(references), "model": KLEIN}
    return canvas(HEIGHT, WIDTH, region, **settings)


@each_case
@pytest.mark.parametrize("references", [[ONE], [ONE, OTHER]], ids=["one", "two"])
def test_a_canvas_that_is_shown_pictures_is_as_diffusers_makes_it(
    case: FlowCase, references: list[Any], built: Any
) -> None:
    pipeline, model = built(case)
    assert model.family.sees_references
    found = followed(job(case, *references), model, pictures=PICTURES)
    expected: Tensor = case.theirs(
        pipeline,
        case.guidance,
        "",
        prompt="a tower",
        image=[as_image(PICTURES[one["image"]]) for one in references],
        height=HEIGHT,
        width=WIDTH,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(5),
    )
    assert relative_error(found, expected.numpy()) < 1e-5
    assert relative_error(found, latents(job(case), model)) > 1e-3


def test_a_picture_of_more_than_a_megapixel_is_made_smaller_as_diffusers_does(built: Any) -> None:
    case = CASES[-1]
    pipeline, model = built(case)
    large = hint_bytes(1100, 1000)
    shown, _ = model.look_at(large, None, on=torch.device("cpu"))
    image = pipeline.image_processor._resize_to_target_area(as_image(large), 1024 * 1024)
    width, height = (side // 16 * 16 for side in image.size)
    pixels = pipeline.image_processor.preprocess(
        image, height=height, width=width, resize_mode="crop"
    )
    with torch.inference_mode():
        expected = pipeline._encode_vae_image(pixels, torch.Generator())
    assert relative_error(shown.numpy(), expected.numpy()) < 1e-4


def test_steps_without_a_picture_are_as_if_there_were_none(built: Any) -> None:
    _, model = built(CASES[-1])
    case = CASES[-1]
    never = {**ONE, "start": 0.9}  # no step lies between there and the end
    plain = latents(job(case), model)
    assert np.array_equal(followed(job(case, never), model, pictures=PICTURES), plain)
    off = {**ONE, "scale": 0}
    assert np.array_equal(followed(job(case, off), model, pictures=PICTURES), plain)
    first = {**ONE, "end": 0.5}
    found = followed(job(case, first), model, pictures=PICTURES)
    assert relative_error(found, plain) > 1e-3


def test_each_region_sees_its_own_pictures_alone(built: Any) -> None:
    case = CASES[1]
    _, model = built(case)
    own: list[list[Any]] = [[ONE], [OTHER, ONE], []]
    regions, rerolls = [], []
    for number, references in enumerate(own):
        at = 64 * number
        settings = {"mask_type": "constant", "references": references, "guidance_scale": 4}
        regions.append(text_region(0, 64, at, at + 64, f"{number}", region_seed=number, **settings))
        rerolls.append(
            {"row_init": 0, "row_end": 64, "col_init": at, "col_end": at + 64, "region_seed": at}
        )
    document = canvas(
        64, 192, *regions, num_inference_steps=STEPS, reroll_regions=rerolls, model=KLEIN
    )
    found = followed(document, model, pictures=PICTURES)
    for number, (region, reroll) in enumerate(zip(regions, rerolls, strict=True)):
        place = {"col_init": 0, "col_end": 64}
        alone = canvas(
            64,
            64,
            {**region, **place},
            num_inference_steps=STEPS,
            reroll_regions=[{**reroll, **place}],
            model=KLEIN,
        )
        part = found[..., 4 * number : 4 * number + 4]
        assert relative_error(part, followed(alone, model, pictures=PICTURES)) < 1e-5
