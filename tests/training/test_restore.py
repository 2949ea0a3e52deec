"""Training goes on from the model that ships."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from diffusers import StableDiffusionPipeline

from training.__main__ import BUNDLED
from training.export import assemble
from training.restore import restore
from training.settings import Settings


def test_what_is_restored_is_the_model_that_was_exported(tmp_path: Path) -> None:
    settings = dataclasses.replace(Settings(), cache=tmp_path)
    restore(settings, BUNDLED)
    again = assemble(settings)
    shipped = StableDiffusionPipeline.from_pretrained(BUNDLED, safety_checker=None)
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = (getattr(p, part).float().state_dict() for p in (again, shipped))
        assert set(ours) == set(theirs)
        assert all(ours[key].equal(theirs[key]) for key in ours)
    with pytest.raises(FileExistsError, match="holds a checkpoint"):
        restore(settings, BUNDLED)
