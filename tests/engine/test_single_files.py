"""Checkpoints in one file with nothing beside them, of real shapes, without network."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest
import torch
import transformers

from engine.families.loading import CONFIGS, load_model
from engine.runtime.batching import Text
from engine.runtime.devices import choose_device
from tests.engine.ldm_checkpoint import write_hollow

# Of the models as they were published.
PARAMETERS = {
    "sd1": {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480},
    "sd2": {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840},
    "sdxl": {
        "unet": 2_567_463_684,
        "vae": 83_653_863,
        "text_encoder": 123_060_480,
        "text_encoder_2": 694_659_840,
    },
}


def part(kind: str, name: str) -> Any:
    """Return a part of a model on the meta device."""
    config = json.loads((CONFIGS / kind / name / "config.json").read_text())
    with torch.device("meta"):
        if "architectures" in config:
            cls = getattr(transformers, config["architectures"][0])
            return cls(transformers.CLIPTextConfig(**config))
        return getattr(diffusers, config["_class_name"]).from_config(config)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, parts in PARAMETERS.items() for name in parts]
)
def test_a_configuration_is_the_published_models(kind: str, name: str) -> None:
    made = part(kind, name)
    assert sum(p.numel() for p in made.parameters()) == PARAMETERS[kind][name]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("kind", "yaml", "predicts", "pad_token"),
    [
        ("sd1", None, "epsilon", "<|endoftext|>"),
        ("sd2", None, "v_prediction", "!"),
        ("sd2", "model:\n  params:\n    linear_start: 0.00085\n", "epsilon", "!"),
        ("sd1", 'model:\n  params:\n    parameterization: "v"\n', "v_prediction", "<|endoftext|>"),
    ],
)
def test_a_single_file_needs_nothing_beside_it(
    kind: str, yaml: str | None, predicts: str, pad_token: str, tmp_path: Path
) -> None:
    path = tmp_path / "Model.SAFETENSORS"
    write_hollow(SimpleNamespace(**{name: part(kind, name) for name in PARAMETERS[kind]}), path)
    if yaml is not None:
        path.with_suffix(".yaml").write_text(yaml)
    model: Any = load_model(str(path), choose_device("cpu", "bfloat16"))
    assert model._pipeline.scheduler.config.prediction_type == predicts
    assert model._pipeline.tokenizer.pad_token == pad_token
    (embedded,) = model.encode(Text(prompt="a photo of a cat")).values()
    assert embedded.shape == (1, 77, part(kind, "unet").config.cross_attention_dim)
    # Source: CLIP's own tokenizer.
    words = model._pipeline.tokenizer("a photo of a cat").input_ids
    assert words == [49406, 320, 1125, 539, 320, 2368, 49407]
