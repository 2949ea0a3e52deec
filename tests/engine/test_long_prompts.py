"""Of a prompt that is longer than a model sees, the end that has no effect is named."""

from __future__ import annotations

import numpy as np
import pytest

from engine.contract.catalogue import BUNDLED_FOLDER
from engine.families.base import Model
from engine.families.loading import load_model
from engine.runtime.devices import choose_device
from engine.sampling.events import Warned
from engine.sampling.generate import generate
from tests.engine.runs import canvas, latents, read_job, text_region

LONG = "an old wall of large red bricks laid in neat rows with pale lime mortar " * 6


@pytest.fixture(scope="module")
def bundled() -> Model:
    return load_model(str(BUNDLED_FOLDER), choose_device("cpu", "float32"))


def job(prompt: str, **more: str) -> dict[str, object]:
    region = text_region(0, 64, 0, 64, prompt, name="wall", **more)
    return canvas(64, 64, region, scheduler="ddim", num_inference_steps=1)


def warnings(document: dict[str, object], model: Model) -> list[tuple[str, str, str]]:
    events = generate(read_job(document), model)
    return [
        (event.problem.region, event.problem.field, event.problem.message)
        for event in events
        if isinstance(event, Warned)
    ]


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_the_end_that_is_cut_off_is_named_and_changes_nothing(field: str, bundled: Model) -> None:
    texts = {"prompt": "a wall", field: LONG + "green grass"}
    ((region, where, message),) = warnings(job(**texts), bundled)
    assert (region, where) == ("wall", field)
    assert "has no effect" in message
    other = {**texts, field: LONG + "blue"}
    assert np.array_equal(latents(job(**texts), bundled), latents(job(**other), bundled))


def test_each_word_that_is_not_named_counts(bundled: Model) -> None:
    words = LONG.split()
    fitting = next(
        n for n in range(len(words), 0, -1) if not warnings(job(" ".join(words[:n])), bundled)
    )
    whole = latents(job(" ".join(words[:fitting])), bundled)
    assert not np.array_equal(whole, latents(job(" ".join(words[: fitting - 1])), bundled))
    assert warnings(job(" ".join(words[: fitting + 1])), bundled)


def test_what_is_to_be_kept_out_where_the_guidance_is_none_is_said(bundled: Model) -> None:
    def said(**more: object) -> list[tuple[str, str, str]]:
        region = text_region(0, 64, 0, 64, "a wall", name="wall", **more)
        document = canvas(64, 64, region, scheduler="ddim", num_inference_steps=1)
        return warnings({**document, "negative_prompt": "fog"}, bundled)

    ((region, field, message),) = said(guidance_scale=1)
    assert (region, field) == ("wall", "negative_prompt")
    assert "no effect on this model at a guidance of 1" in message
    assert said(guidance_scale=2) == said(guidance_scale=1, negative_prompt="") == []
