"""Training goes on from the model that ships, also where the new one is larger."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from diffusers import StableDiffusionPipeline

torch = pytest.importorskip("torch")
from training.__main__ import BUNDLED  # noqa: E402
from training.export import assemble  # noqa: E402
from training.restore import RECORD, restore  # noqa: E402
from training.settings import Settings  # noqa: E402


def test_what_is_restored_computes_what_the_exported_model_computes(tmp_path: Path) -> None:
    settings = dataclasses.replace(Settings(), cache=tmp_path)
    restore(settings, BUNDLED)
    again = assemble(settings)
    shipped = StableDiffusionPipeline.from_pretrained(BUNDLED, safety_checker=None)
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(1, 4, 24, 32, generator=generator)
    with torch.no_grad():
        decoded = [p.vae.float().decode(noise).sample for p in (again, shipped)]
        ids = [
            p.tokenizer("red brick wall", return_tensors="pt").input_ids for p in (again, shipped)
        ]
        words = [
            p.text_encoder.float()(i).last_hidden_state
            for p, i in zip((again, shipped), ids, strict=True)
        ]
        predicted = [p.unet.float()(noise, 500, words[1]).sample for p in (again, shipped)]
    assert torch.equal(*decoded)
    torch.testing.assert_close(words[0], words[1])
    torch.testing.assert_close(predicted[0], predicted[1], atol=1e-4, rtol=1e-4)
    with pytest.raises(FileExistsError, match="holds a checkpoint"):
        restore(settings, BUNDLED)


def test_the_record_is_that_of_the_weights_that_ship() -> None:
    shipped = json.loads((BUNDLED / "vae" / "config.json").read_text())["scaling_factor"]
    recorded = json.loads(RECORD.read_text())["stages"]["denoiser"]["scaling_factor"]
    assert round(recorded, 5) == shipped
