"""References on torch's meta device: no step mixes devices or waits for one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from diffusers.models.embeddings import IPAdapterPlusImageProjection

from engine.contract.adapters import ADAPTERS, VIT_H
from engine.contract.job import Job
from engine.families.adapters import Adapter, following, load_adapter
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.devices import choose_device
from engine.runtime.following import Followed, Seen
from engine.runtime.placement import place
from tests.engine.runs import placed, read_job
from tests.engine.test_meta_device import (
    META,
    REAL,
    TEXTS,
    beside,
    copies_in_the_loop,
    on_meta,
    small,
)
from tests.engine.test_placement import Autoencoder
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


@pytest.mark.parametrize(
    ("family", "known", "inner", "heads"),
    [
        ("sd", "models/ip-adapter-plus_sd15", 768, 12),
        ("sdxl", "sdxl_models/ip-adapter-plus_sdxl_vit-h", 1280, 20),
    ],
)
def test_the_real_shapes_run_through_and_are_as_large_as_is_known(
    family: str, known: str, inner: int, heads: int, tiny: Model
) -> None:
    model: Any = copy.copy(small(family, tiny))
    with torch.device(META):
        model._network = type(model._network)(**REAL[family])
        wide = model._network.config.cross_attention_dim
        projection = IPAdapterPlusImageProjection(VIT_H.hidden, wide, inner, 4, 64, heads, 16)
        layers = {
            name: IPAdapterAttnProcessor2_0(
                model._network.get_submodule(name.removesuffix(".processor")).to_q.in_features,
                wide,
                num_tokens=[16],
            )
            for name in model._network.attn_processors
            if name.endswith("attn2.processor")
        }
        tokens = projection(torch.zeros((1, 257, VIT_H.hidden)))
    adapter = Adapter(layers, projection, Any, sees_parts=True)  # type: ignore[arg-type]
    numbers = sum(p.numel() for one in (projection, *layers.values()) for p in one.parameters())
    own_bytes = next(one.own_bytes for one in ADAPTERS if known in one.id)
    assert 2 * numbers == pytest.approx(own_bytes, rel=1e-2)
    followed = Followed(adapter=adapter, shown=tokens, hidden=tokens, scale=0.6)
    job = read_job({**beside(512, 3, scheduler="euler"), "num_inference_steps": 2})
    copies = copies_in_the_loop(
        on_meta(model, TEXTS[family]), job, references=lambda job: [[followed]]
    )
    assert copies == 0


def test_a_network_that_takes_turns_leaves_an_adapter_s_layers_where_they_are(
    tiny: Model, tmp_path: Path
) -> None:
    adapter = load_adapter(str(save_adapter(tmp_path, tiny.network)), tmp_path, tiny, {})
    for layer in adapter.layers.values():
        layer.to(META)
    before = [p for layer in adapter.layers.values() for p in layer.parameters()]
    unet, encoder = copy.deepcopy(tiny.network), torch.nn.Linear(2, 2)
    parts = {"unet": unet, "text_encoder": encoder, "vae": Autoencoder()}
    place(parts, "unet", placed("comes", "comes"), META)
    wide = unet.config.cross_attention_dim
    tokens = torch.zeros((1, 4, wide), device=META)
    latents, text = torch.zeros((1, 4, 8, 8), device=META), torch.zeros((1, 5, wide), device=META)
    with torch.inference_mode():
        for _ in range(2):
            with following(unet, [Seen(adapter=adapter, values=tokens, scale=1.0)]):
                unet(latents, torch.zeros(1, device=META), (text, [tokens]))
            encoder(torch.zeros((1, 2), device=META))
    assert {p.device for p in unet.parameters()} == {torch.device("cpu")}
    after = [p for layer in adapter.layers.values() for p in layer.parameters()]
    assert all(one is other for one, other in zip(before, after, strict=True))
