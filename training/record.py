"""The record of a training: settings, seeds, time, losses, and the curves as a plot."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import matplotlib
import torch

from training.settings import Settings

matplotlib.use("Agg")
from matplotlib import pyplot


def _state(folder: Path) -> dict[str, Any]:
    path = folder / "state.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(settings: Settings, folder: Path) -> None:
    """Write `record.json` and `curves.png` from the checkpoints in the cache."""
    stages = _state(settings.cache / "vae")
    stages |= {name: _state(settings.cache / name) for name in ("denoiser", "classifier", "judge")}
    figures = {
        name: {key: value for key, value in state.items() if key != "curve"}
        | ({"final_loss": state["curve"][-1][2]} if state.get("curve") else {})
        for name, state in stages.items()
    }
    record = {
        "settings": settings.recorded(),
        "stages": figures,
        "torch": torch.__version__.split("+")[0],
        "device": "cuda" if torch.cuda.is_available() else f"cpu, {platform.machine()}",
    }
    (folder / "record.json").write_text(json.dumps(record, indent=2) + "\n")
    curves = {
        name: stages[name]["curve"]
        for name in ("vae", "denoiser", "decoder")
        if stages.get(name, {}).get("curve")  # a restored stage has none
    }
    count = max(1, len(curves))
    figure, axes = pyplot.subplots(1, count, figsize=(4.4 * count, 3.6), squeeze=False)
    for axis, (name, curve) in zip(axes[0], curves.items(), strict=False):
        axis.plot([row[1] / 60.0 for row in curve], [row[2] for row in curve], linewidth=1.0)
        axis.set(title=name, xlabel="minutes of training", ylabel="loss", yscale="log")
        axis.grid(visible=True, which="both", alpha=0.3)
    figure.tight_layout()
    figure.savefig(folder / "curves.png", dpi=100)
    pyplot.close(figure)
