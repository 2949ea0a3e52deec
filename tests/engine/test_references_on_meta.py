"""References on torch's meta device: no step mixes devices or waits for one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.contract.job import Job
from engine.families.adapters import load_adapter
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import choose_device
from engine.runtime.following import Followed
from tests.engine.runs import read_job
from tests.engine.test_meta_device import META, beside, copies_in_the_loop, on_meta, small
from tests.engine.tiny_adapters import save_adapter
from tests.engine.tiny_flow_models import flux2_klein


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_no_step_of_a_unet_s_waits(name: str, tiny: Model, tmp_path: Path) -> None:
    model = small(name, tiny)
    adapter = load_adapter(str(save_adapter(tmp_path, model.network)), tmp_path, model, {})
    for layer in adapter.layers.values():
        layer.to(META)
    tokens = torch.zeros((1, 4, model.network.config.cross_attention_dim), device=META)

    def references(job: Job) -> list[list[Followed]]:
        both = [
            Followed(adapter=adapter, shown=tokens, hidden=tokens, scale=scale, end=end)
            for scale, end in ((1.0, 1.0), (0.5, 0.6))
        ]
        return [both[: index + 1] for index, _ in enumerate(job.text_regions)]

    job = read_job(beside(64, 3, 1, scheduler="euler"))
    assert copies_in_the_loop(on_meta(model), job, references=references) == 0


def test_no_step_that_is_shown_pictures_waits() -> None:
    model = on_meta(model_of(flux2_klein(), choose_device("cpu", "float32")))
    latents = torch.zeros((1, model.channels, 3, 5), device=META)
    both = [Followed(adapter=None, shown=latents, hidden=latents, end=end) for end in (1.0, 0.6)]
    job = read_job(beside(64, 3, 1))
    references = copies_in_the_loop(model, job, references=lambda job: [both, both[:1]])
    assert references == 0
