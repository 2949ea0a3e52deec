"""Controls on torch's meta device: no step mixes devices or waits for one, in real shapes too."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import torch

from engine.contract.job import Job
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.controls import Control
from engine.runtime.devices import choose_device
from engine.runtime.windows import Window
from tests.engine.runs import read_job
from tests.engine.test_flow_controls import CONTROLLED, Case
from tests.engine.test_meta_device import META, REAL, TEXTS, beside, copies_in_the_loop, on_meta
from tests.engine.test_meta_device import small as small_model
from tests.engine.tiny_controls import tiny_controlnet

CPU = choose_device("cpu", "float32")


def holding(
    model: Model, net: Any, *, channels: int, cell: int, kind: str = "depth"
) -> Callable[[Job], list[list[Control]]]:
    """Return what holds each region of a job by two controls over the whole canvas."""

    def controls(job: Job) -> list[list[Control]]:
        height, width = (side // model.stride_px for side in (job.canvas_height, job.canvas_width))
        area = Window(top=0, bottom=height, left=0, right=width)
        hint = torch.zeros((1, channels, cell * height, cell * width), device=META)
        own = [
            Control(net=net, kind=kind, hint=hint, area=area, scale=scale, end=end)
            for scale, end in ((1.0, 1.0), (0.5, 0.6))
        ]
        return [own for _ in job.text_regions]

    return controls


@pytest.mark.parametrize("name", ["sd", "sdxl", "union"])
def test_no_step_of_a_unet_s_waits(name: str, tiny: Model) -> None:
    model = small_model("sd" if name == "sd" else "sdxl", tiny)
    net = copy.deepcopy(tiny_controlnet(model.network, union=name == "union")).to(META)
    job = read_job(beside(64, 3, 1, scheduler="euler"))
    controls = holding(model, net, channels=3, cell=8)
    assert copies_in_the_loop(on_meta(model), job, controls) == 0


@pytest.mark.parametrize("case", CONTROLLED.values(), ids=CONTROLLED)
def test_no_step_of_a_transformer_s_waits(case: Case) -> None:
    model = on_meta(model_of(case.flow.build(), CPU))
    net = model.complete(case.net(model.network).to(META))
    sees_pixels = getattr(net, "input_hint_block", None) is not None
    channels, cell = (3, 8) if sees_pixels else (16, 1)
    controls = holding(model, net, channels=channels, cell=cell, kind=case.kind)
    job = read_job(beside(64, case.guidance, 1.0))
    with torch.no_grad():  # Z-Image's knows no other way
        assert copies_in_the_loop(model, job, controls) == 0


@pytest.mark.parametrize(("family", "parameters"), [("sd", 361_279_120), ("sdxl", 1_251_014_160)])
def test_the_real_shapes_run_through(family: str, parameters: int, tiny: Model) -> None:
    model: Any = copy.copy(small_model(family, tiny))
    with torch.device(META):
        model._network = type(model._network)(**REAL[family])
        net = diffusers.ControlNetModel.from_unet(model._network, load_weights_from_unet=False)
    assert sum(p.numel() for p in net.parameters()) == parameters
    job = read_job({**beside(512, 3, 1, scheduler="euler"), "num_inference_steps": 2})
    controls = holding(model, net, channels=3, cell=8)
    assert copies_in_the_loop(on_meta(model, TEXTS[family]), job, controls) == 0
