"""How the UNet is called: no pass that nobody needs, no text twice, no waiting for the device."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from engine.contract.job import SCHEDULERS, Job
from engine.families.components import Components
from engine.families.sd import UNetDenoiser
from engine.runtime.windows import Window
from engine.sampling.sampler import ImageAnchor, TextDiffuser, sample
from tests.engine.runs import canvas, generated, latents, read_job, text_region


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
def fresh(tiny: Components) -> Components:
    """The tiny model, by a denoiser that has seen nothing yet."""
    assert isinstance(tiny.denoiser, UNetDenoiser)
    return replace(tiny, denoiser=UNetDenoiser(tiny.denoiser._pipeline))


@pytest.fixture
def calls(fresh: Components, monkeypatch: pytest.MonkeyPatch) -> Calls:
    denoiser: Any = fresh.denoiser
    return Calls(denoiser._pipeline, monkeypatch)


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
    guidances: tuple[float, ...], passes: int, fresh: Components, calls: Calls
) -> None:
    generated(beside(*guidances), fresh)
    assert calls.passes == [passes] * 2


def test_regions_of_another_size_have_a_call_of_their_own(fresh: Components, calls: Calls) -> None:
    job = beside(3, 3)
    large = text_region(0, 64, 0, 128, "all", guidance_scale=1)
    generated({**job, "regions": [job["regions"][0], large, job["regions"][1]]}, fresh)
    assert calls.passes == [4, 1] * 2


def test_each_text_is_encoded_once_whatever_the_jobs(fresh: Components, calls: Calls) -> None:
    job = {**beside(3, 3, 3), "negative_prompt": "fog"}
    first = latents(job, fresh)
    assert sorted(calls.texts) == ["fog", "prompt 0", "prompt 1", "prompt 2"]
    assert (latents(job, fresh) == first).all()
    assert len(calls.texts) == 4
    latents({**job, "negative_prompt": "rain"}, fresh)
    assert calls.texts[4:] == ["rain"]


def test_texts_that_were_used_long_ago_are_forgotten(
    fresh: Components, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.families.sd._KEPT_TEXTS", 2)
    one = text_region(0, 64, 0, 64, "x", guidance_scale=1)

    def encoded(*prompts: str) -> list[str]:
        calls.texts.clear()
        regions = read_job(canvas(64, 64, *({**one, "prompt": p} for p in prompts))).text_regions
        fresh.denoiser.plan(regions, "")
        return calls.texts.copy()

    assert encoded("a", "b") == ["a", "b"]
    assert encoded("a", "c") == ["c"]
    assert encoded("a") == []
    assert encoded("b") == ["b"]
    assert encoded("a", "b", "c", "d") == ["c", "d"]


def test_attention_is_the_fused_one_of_torch(
    fresh: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    denoiser: Any = fresh.denoiser
    fused = torch.nn.functional.scaled_dot_product_attention
    called = []

    def noted(*arguments: Any, **named: Any) -> Tensor:
        called.append(arguments[0].shape)
        return fused(*arguments, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    plan = denoiser.plan(read_job(beside(3)).text_regions, "")
    called.clear()
    list(plan.predict(torch.zeros(1, 4, 8, 16), torch.tensor(5)))
    assert len(called) == len(denoiser._unet.attn_processors)


META = torch.device("meta")


class Copies(TorchDispatchMode):
    """Counts what is brought from the CPU to the device, for which the host has to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            source = args[1] if func is torch.ops.aten.copy_.default else args[0]
            self.count += source.device.type == "cpu" and result.device == META
        return result


def copies_in_the_loop(components: Components, job: Job) -> int:
    """Run a job's steps on torch's meta device, which raises where its values are asked for."""
    denoiser: Any = components.denoiser
    plan = denoiser.plan(job.text_regions, job.negative_prompt)
    plan._unet = copy.deepcopy(plan._unet).to(META)
    plan._texts = plan._texts.to(META)
    plan._groups = [replace(group, rows=group.rows.to(META)) for group in plan._groups]
    schedule = components.make_schedule(job.scheduler, job.num_inference_steps)
    windows = [Window.of(region, 8) for region in job.text_regions]
    diffusers = [
        TextDiffuser(window=window, weights=torch.ones(window.height, window.width))
        for window in windows
    ]
    held = torch.zeros((1, 4, windows[0].height, windows[0].width), device=META)
    anchors = [
        ImageAnchor(window=windows[0], latents=held, release=schedule.release_timestep(strength))
        for strength in (0.3, 1)
    ]
    noise = torch.zeros((1, 4, job.canvas_height // 8, job.canvas_width // 8), device=META)
    generator: Any = None
    run = sample(noise, diffusers, anchors, plan=plan, schedule=schedule, generator=generator)
    next(run)  # what is made once a job may be brought to the device
    copies = Copies()
    with copies:
        assert all(step.device == META for step in run)
    return copies.count


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_no_step_waits_for_the_device(scheduler: str, tiny: Components) -> None:
    job = read_job({**beside(3, 1, 2), "scheduler": scheduler, "num_inference_steps": 4})
    copies = copies_in_the_loop(tiny, job)
    if scheduler != "unipc":  # it solves its small systems of equations on the device
        assert copies == 0
