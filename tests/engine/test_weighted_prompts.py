"""Prompts with weights, in parts and of any length, on the families whose texts CLIP encodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from compel import Compel, ReturnedEmbeddingsType
from compel.embeddings_provider import SplitLongTextMode

from engine.contract.catalogue import BUNDLED_FOLDER
from engine.families.base import Model
from engine.families.loading import load_model, model_of
from engine.runtime.batching import Batch, Text
from engine.runtime.devices import choose_device
from engine.sampling.events import Warned
from engine.sampling.generate import generate
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, latents, read_job, text_region
from tests.engine.tiny_flow_models import flux
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")
LONG = "an old wall of large red bricks, laid in neat rows with pale lime mortar, " * 8
EMBEDDED = "encoder_hidden_states"


@pytest.fixture(scope="module", params=["bundled", "sd", "sdxl"])
def model(request: pytest.FixtureRequest) -> Model:
    """A model of each family that reads weights, and the bundled one."""
    if request.param == "sdxl":
        return model_of(tiny_sdxl(), CPU)
    return load_model(str({"bundled": BUNDLED_FOLDER, "sd": TINY_SD}[request.param]), CPU)


def job(prompt: str, *, syntax: str = "weights", **more: Any) -> dict[str, Any]:
    region = text_region(0, 64, 0, 64, prompt, name="wall", **more)
    return canvas(64, 64, region, scheduler="ddim", num_inference_steps=1, prompt_syntax=syntax)


def encoded(model: Model, prompt: str, syntax: str = "weights") -> Any:
    return model.encode(Text(prompt=prompt, syntax=syntax))


def of_library(model: Model, prompt: str) -> torch.Tensor:
    """Return what compel makes of a prompt in its own syntax."""
    pipeline: Any = model._pipeline
    but_one = ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
    is_sdxl = hasattr(pipeline, "text_encoder_2")
    kind = but_one if is_sdxl else ReturnedEmbeddingsType.LAST_HIDDEN_STATES_NORMALIZED
    settings: dict[str, Any] = {
        "truncate_long_prompts": False,
        "returned_embeddings_type": kind,
        "split_long_text_mode": SplitLongTextMode.PHRASES,
    }
    pairs = [(pipeline.tokenizer, pipeline.text_encoder)]
    if is_sdxl:
        pairs.append((pipeline.tokenizer_2, pipeline.text_encoder_2))
    with torch.no_grad():
        found = [Compel(tokenizer=one, text_encoder=of, **settings)(prompt) for one, of in pairs]
    return torch.cat(found, dim=-1)


@pytest.mark.parametrize(
    ("prompt", "in_its_own_syntax"),
    [
        ("a (red:1.3) wall", "a (red)1.3 wall"),
        ("a red (wall:0.4)", "a red (wall)0.4"),
        ("a (stone (red:0.5) wall:1.4)", "a (stone (red)0.5 wall)1.4"),
        ("a wall BREAK in (fog:1.2)", '("a wall", "in (fog)1.2").and()'),
        (LONG, LONG),
        (LONG + "(fog:1.4)", LONG + "(fog)1.4"),
    ],
)
def test_embeddings_are_the_librarys(model: Model, prompt: str, in_its_own_syntax: str) -> None:
    expected = of_library(model, in_its_own_syntax)
    found = encoded(model, prompt)[EMBEDDED]
    assert torch.equal(found, expected)


@pytest.mark.parametrize("prompt", ["", "a red wall", "a wall, at dusk: fog", "old  wall\nand sky"])
def test_plain_prompts_are_the_same_either_way(model: Model, prompt: str) -> None:
    plain, weighted = encoded(model, prompt, "plain"), encoded(model, prompt)
    assert plain.keys() == weighted.keys()
    assert all(torch.equal(plain[name], weighted[name]) for name in plain)
    ours, theirs = job(prompt, negative_prompt="fog"), job(prompt, negative_prompt="fog")
    assert np.array_equal(
        latents(ours, model), latents({**theirs, "prompt_syntax": "plain"}, model)
    )


def test_signs_that_change_nothing_leave_the_words(model: Model) -> None:
    words = encoded(model, "a red wall")
    for prompt in ("a (red:1.0) wall", "a ([red]) wall", "a red wall BREAK", "(a red:1) wall"):
        found = encoded(model, prompt)
        assert all(torch.equal(found[name], words[name]) for name in words)
    signs = encoded(model, r"a \(red\) wall")
    assert torch.equal(signs[EMBEDDED], encoded(model, "a (red) wall", "plain")[EMBEDDED])


def test_weights_change_the_picture_in_their_order(model: Model) -> None:
    words = encoded(model, "a red wall")[EMBEDDED]
    without = encoded(model, "a (red:0) wall")[EMBEDDED]
    half = encoded(model, "a (red:0.5) wall")[EMBEDDED]
    more, most = (encoded(model, f"a (red:{w}) wall")[EMBEDDED] for w in (1.2, 1.4))
    assert (half - words).norm() < (without - words).norm()
    assert 0 < (more - words).norm() < (most - words).norm()
    assert torch.equal(without, encoded(model, "a (red:-3) wall")[EMBEDDED])
    pictures = [latents(job(f"a (red:{w}) wall"), model) for w in (0, 1, 1.5, 99999)]
    assert all(np.isfinite(one).all() for one in pictures)
    assert len({one.tobytes() for one in pictures}) == len(pictures)


def test_many_words_of_no_weight_leave_an_embedding_in_half_precision() -> None:
    pipeline = tiny_sdxl()
    model = model_of(pipeline.to(torch.float16), CPU)
    found = encoded(model, "a wall " + "(red:0) blue (old:0) new " * 4)[EMBEDDED]
    assert torch.isfinite(found).all()
    assert found.float().norm() > 0.1


def test_the_end_of_a_long_prompt_changes_the_picture_and_nothing_is_said(model: Model) -> None:
    def run(document: dict[str, Any]) -> tuple[Any, list[str]]:
        events = generate(read_job(document), model)
        said = [event.problem.message for event in events if isinstance(event, Warned)]
        return latents(document, model), said

    for field in ("prompt", "negative_prompt"):
        texts = [{"prompt": "a wall", field: LONG + end} for end in ("green grass", "blue sky")]
        (first, said), (second, _) = (run(job(**one)) for one in texts)
        assert said == []
        assert not np.array_equal(first, second)
        (first, said), (second, _) = (run(job(**one, syntax="plain")) for one in texts)
        assert "has no effect" in said[0]
        assert np.array_equal(first, second)


def test_chunks_are_as_long_as_the_tokenizer_says_and_both_sides_of_a_guidance_have_as_many(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    length = model._pipeline.tokenizer.model_max_length
    tokens = encoded(model, LONG)[EMBEDDED].shape[1]
    assert tokens % length == 0
    assert tokens > length
    seen: list[torch.Tensor] = []
    call = model.call

    def noted(batch: Batch) -> torch.Tensor:
        seen.append(batch.conditioning[EMBEDDED])
        return call(batch)

    monkeypatch.setattr(model, "call", noted)
    latents(job(LONG, negative_prompt="fog"), model)
    assert {one.shape[1] for one in seen} == {tokens}
    fog, nothing = (encoded(model, prompt)[EMBEDDED] for prompt in ("fog", ""))
    padded = torch.cat([fog, *[nothing] * (tokens // length - 1)], dim=1)
    assert any(torch.equal(one, padded) for batch in seen for one in batch.split(1))
    seen.clear()
    latents(job(LONG), model)
    assert {one.shape[1] for one in seen} == {tokens}


def test_what_one_region_says_changes_no_other_regions_text(model: Model) -> None:
    def only(*regions: dict[str, Any]) -> Any:
        more = {"scheduler": "ddim", "num_inference_steps": 1, "prompt_syntax": "weights"}
        return latents(canvas(64, 128, *regions, **more), model)

    left = text_region(0, 64, 0, 64, "a wall", mask_type="constant")
    right = text_region(0, 64, 64, 128, LONG, mask_type="constant")
    other = {**right, "prompt": "fog"}
    found, expected = only(left, right)[..., :8], only(left, other)[..., :8]
    assert np.allclose(found, expected, atol=1e-5)


def test_the_pooled_embedding_is_of_the_first_words_without_signs() -> None:
    model = model_of(tiny_sdxl(), CPU)
    pooled = encoded(model, "a red wall")["text_embeds"]
    for prompt in ("a (red:1.3) wall", "a red wall BREAK in fog"):
        assert torch.equal(encoded(model, prompt)["text_embeds"], pooled)
    long, longer = (encoded(model, LONG + end)["text_embeds"] for end in ("fog", "sky"))
    assert torch.equal(long, longer)
    assert torch.equal(long, encoded(model, LONG, "plain")["text_embeds"])


@pytest.mark.parametrize(
    "prompt",
    [
        "!!! (red:0.5) ?! (wall:1.5)",
        LONG + "!?! (!:0.2) (?:1.2)",
        "(\u200b:0.3) x",
        "(日本:0.7)",
        "((((((((red))))))))",
        "(" * 50 + "red",
        "red" + ")" * 50,
        "(,:0.1) " * 90,
    ],
)
def test_odd_prompts_become_a_picture(model: Model, prompt: str) -> None:
    assert np.isfinite(latents(job(prompt), model)).all()


def test_other_families_take_brackets_as_words_and_say_what_they_cut() -> None:
    model = model_of(flux(), CPU)
    weighted, plain = (
        model.encode(Text(prompt="a (b:1.3)", syntax=s)) for s in ("weights", "plain")
    )
    assert all(torch.equal(weighted[name], plain[name]) for name in plain)
    long = Text(prompt="a tower " * 600 + "in fog", syntax="weights")
    assert model.cut_off(long).endswith("fog")
