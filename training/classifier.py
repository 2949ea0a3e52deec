"""Stage 3: a small classifier that names the concept of a picture, for the benchmark only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training import checkpoint, supervised
from training.data import MATERIALS, PaintedSet, painted_set, training_sets
from training.painting.concepts import NAMES
from training.painting.prompts import Wish
from training.settings import Settings

BATCH = 32
HELD_OUT_COUNT = 1240


def features(channels: tuple[int, ...]) -> nn.Sequential:
    """Make convolutions, each level at half the resolution of the one before."""
    layers, before = list[nn.Module](), 3
    for after in channels:
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
        before = after
    return nn.Sequential(*layers)


class Classifier(nn.Module):
    """Convolutions, an average and a maximum over the picture, one layer.

    Shapes: (B, 3, H, W) in [-1, 1] to (B, concepts); any size from 48 px.
    """

    def __init__(self, channels: tuple[int, ...] = (24, 48, 96, 128)) -> None:
        """Make the layers with fresh weights."""
        super().__init__()
        self.features = features(channels)
        self.out = nn.Linear(2 * channels[-1], len(NAMES))

    def forward(self, pictures: Tensor) -> Tensor:
        """Give the score of every concept."""
        found = self.features(pictures)
        scores: Tensor = self.out(torch.cat([found.mean((2, 3)), found.amax((2, 3))], 1))
        return scores


def labels(painted: PaintedSet[Wish]) -> Tensor:
    """Number every picture's concept."""
    return torch.tensor([NAMES.index(wish.concept) for wish in painted.wishes])


def _roughened(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Blur and disturb as decoding does, and turn the hues, so that shape decides."""
    if rng.random() < 0.6:
        shrink = float(rng.uniform(0.3, 0.9))
        size = pictures.shape[-2:]
        small = functional.interpolate(pictures, scale_factor=shrink, mode="bilinear")
        pictures = functional.interpolate(small, size=size, mode="bilinear")
    if rng.random() < 0.25:
        pictures = pictures[:, torch.from_numpy(rng.permutation(3))]
    light = torch.from_numpy(rng.uniform(0.85, 1.15, (len(pictures), 1, 1, 1))).float()
    noise = 0.05 * float(rng.random()) * torch.randn_like(pictures)
    return (pictures * light.to(pictures.device) + noise).clamp(-1.0, 1.0)


def _batch(painted: PaintedSet[Wish], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    height_px, width_px = (int(rng.choice([64, 80, 96, 112, 128])) for _ in range(2))
    if rng.random() < 0.4:
        height_px = width_px = 128
    chosen = rng.integers(0, len(painted.wishes), BATCH)
    rows = np.empty((BATCH, height_px, width_px, 3), np.uint8)
    _, full_height, full_width, _ = painted.pictures.shape
    for i, index in enumerate(chosen):
        top = int(rng.integers(0, full_height - height_px + 1))
        left = int(rng.integers(0, full_width - width_px + 1))
        rows[i] = painted.pictures[index, top : top + height_px, left : left + width_px]
    pictures = torch.from_numpy(rows).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    return pictures, torch.tensor([NAMES.index(painted.wishes[i].concept) for i in chosen])


def held_out_set(settings: Settings) -> PaintedSet[Wish]:
    """Pictures of 128 px that no training saw, with wishes of all kinds."""
    return painted_set(
        MATERIALS,
        settings.cache / "data",
        "held_out",
        count=HELD_OUT_COUNT,
        height_px=128,
        width_px=128,
        seed=settings.data.seed + 2,
        training=False,
    )


@torch.no_grad()
def accuracy(model: Classifier, painted: PaintedSet[Wish]) -> float:
    """Share of pictures whose concept is named rightly."""
    model.eval()
    device = next(model.parameters()).device
    right = 0
    truth = labels(painted)
    for start in range(0, len(painted.wishes), 64):
        block = torch.from_numpy(np.array(painted.pictures[start : start + 64]))
        pictures = block.permute(0, 3, 1, 2).float().to(device) / 127.5 - 1.0
        right += int((model(pictures).argmax(1).cpu() == truth[start : start + 64]).sum())
    return right / len(painted.wishes)


def load(settings: Settings) -> Classifier:
    """Read the trained classifier from the cache."""
    model = Classifier()
    model.load_state_dict(checkpoint.load(settings.cache / "classifier")[0])
    return model.eval()


def train(settings: Settings, *, resume: bool = False) -> Classifier:
    """Train the classifier within its budget and leave it in the cache."""
    folder: Path = settings.cache / "classifier"
    torch.manual_seed(3)
    small = training_sets(settings.cache / "data", settings.data).small
    model = Classifier()

    def loss_of_batch(rng: np.random.Generator, device: torch.device) -> Tensor:
        pictures, truth = _batch(small, rng)
        scores = model(_roughened(pictures.to(device), rng))
        return functional.cross_entropy(scores, truth.to(device), label_smoothing=0.05)

    budget = settings.budgets["classifier"]
    done = supervised.train(
        model, loss_of_batch, budget, folder, seed=3, weight_decay=0.01, resume=resume
    )
    right = accuracy(model, held_out_set(settings))
    checkpoint.save(folder, model.state_dict(), {**done, "held_out_accuracy": right})
    print(f"classifier: {right:.1%} of held-out painted pictures")
    return model
