"""How the network is called: no pass that nobody needs, no text twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.families.base import Model
from engine.runtime.batching import Text
from engine.sampling.region_windows import region_windows
from tests.engine.runs import by_another_denoiser, canvas, generated, latents, read_job, text_region


class Calls:
    """What the UNet and the text encoder are asked, noted beside their own work."""

    def __init__(self, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passes: list[int] = []
        self.texts: list[str] = []
        forward, encode = pipeline.unet.forward, pipeline.encode_prompt

        def noted_forward(sample: Tensor, *arguments: Any, **named: Any) -> Any:
            self.passes.append(len(sample))
            return forward(sample, *arguments, **named)

        def noted_encode(text: str, *arguments: Any, **named: Any) -> Any:
            self.texts.append(text)
            return encode(text, *arguments, **named)

        monkeypatch.setattr(pipeline.unet, "forward", noted_forward)
        monkeypatch.setattr(pipeline, "encode_prompt", noted_encode)


@pytest.fixture
def fresh(tiny: Model) -> Model:
    """The tiny model, by a denoiser that has seen nothing yet."""
    return by_another_denoiser(tiny)


@pytest.fixture
def calls(fresh: Model, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(fresh._pipeline, monkeypatch)


def beside(*guidances: float) -> dict[str, Any]:
    regions = [
        text_region(0, 64, 32 * i, 32 * i + 64, f"prompt {i}", guidance_scale=guidance)
        for i, guidance in enumerate(guidances)
    ]
    return canvas(64, 128, *regions, scheduler="ddim", num_inference_steps=2)


@pytest.mark.parametrize(
    ("guidances", "passes"),
    [((7.5, 7.5, 7.5), 6), ((1, 1, 1), 3), ((1, 4, 1), 4), ((0, 1, 2), 4)],
)
def test_a_step_is_one_call_without_the_passes_that_count_for_nothing(
    guidances: tuple[float, ...], passes: int, fresh: Model, calls: Calls
) -> None:
    generated(beside(*guidances), fresh)
    assert calls.passes == [passes] * 2


def test_regions_of_another_size_have_a_call_of_their_own(fresh: Model, calls: Calls) -> None:
    job = beside(3, 3)
    large = text_region(0, 64, 0, 128, "all", guidance_scale=1)
    generated({**job, "regions": [job["regions"][0], large, job["regions"][1]]}, fresh)
    assert calls.passes == [4, 1] * 2


def test_each_text_is_encoded_once_whatever_the_jobs(fresh: Model, calls: Calls) -> None:
    job = {**beside(3, 3, 3), "negative_prompt": "fog"}
    first = latents(job, fresh)
    assert sorted(calls.texts) == ["fog", "prompt 0", "prompt 1", "prompt 2"]
    assert (latents(job, fresh) == first).all()
    assert len(calls.texts) == 4
    latents({**job, "negative_prompt": "rain"}, fresh)
    assert calls.texts[4:] == ["rain"]


def test_texts_that_were_used_long_ago_are_forgotten(
    fresh: Model, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_text = fresh.encode(Text(prompt="x"))["encoder_hidden_states"].nbytes
    monkeypatch.setattr("engine.runtime.batching._KEPT_TEXT_BYTES", 2 * one_text)
    one = text_region(0, 64, 0, 64, "x", guidance_scale=1)

    def encoded(*prompts: str) -> list[str]:
        calls.texts.clear()
        job = read_job(canvas(64, 64, *({**one, "prompt": p} for p in prompts)))
        fresh.denoiser.plan(job, region_windows(job, 8, {}))
        return calls.texts.copy()

    assert encoded("a", "b") == ["a", "b"]
    assert encoded("a", "c") == ["c"]
    assert encoded("a") == []
    assert encoded("b") == ["b"]
    assert encoded("a", "b", "c", "d") == ["c", "d"]


def test_attention_is_the_fused_one_of_torch(fresh: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = fresh
    fused = torch.nn.functional.scaled_dot_product_attention
    called = []

    def noted(*arguments: Any, **named: Any) -> Tensor:
        called.append(arguments[0].shape)
        return fused(*arguments, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    job = read_job(beside(3))
    plan = fresh.denoiser.plan(job, region_windows(job, 8, {}))
    called.clear()
    list(plan.predict(torch.zeros(1, 4, 8, 16), torch.tensor(5)))
    assert len(called) == len(model._network.attn_processors)
