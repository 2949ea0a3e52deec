"""The judge of landscapes: asked only what a picture shows, at any width."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("skia")
from training import judge  # noqa: E402
from training.data import LANDSCAPES, painted_set  # noqa: E402
from training.judge import ANSWERS, Judge, accuracy, verdicts  # noqa: E402
from training.painting.storybook.landscape import Landscape  # noqa: E402
from training.settings import Budget, DataSettings, Settings  # noqa: E402


def test_a_style_without_light_is_not_asked_for_light_or_season() -> None:
    wishes = [Landscape(subject="barn", style="ink"), Landscape(subject="barn", light="night")]
    truth = judge._truth(wishes)
    assert truth["light"].tolist() == [-100, ANSWERS["light"].index("night")]
    assert truth["season"].tolist() == [-100, ANSWERS["season"].index("green")]
    assert truth["subject"].tolist() == [ANSWERS["subject"].index("barn")] * 2


def test_pictures_of_any_size_are_judged() -> None:
    pictures = [np.zeros((256, width, 3), np.uint8) for width in (96, 256, 400)]
    for verdict in verdicts(Judge().eval(), pictures):
        assert all(getattr(verdict, name) in answers for name, answers in ANSWERS.items())


def test_a_trained_judge_is_kept_with_its_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "HELD_OUT_COUNT", 28)
    settings = Settings(
        cache=tmp_path,
        data=DataSettings(
            small_count=31,
            small_px=32,
            large_count=31,
            large_height_px=32,
            large_width_px=32,
            landscapes=((128, 128, 56),),
        ),
        budgets={"judge": Budget(minutes=5.0, steps=4)},
    )
    trained = judge.train(settings)
    again = judge.load(settings)
    for ours, theirs in zip(
        trained.state_dict().values(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_pictures_with_two_things_are_not_judged() -> None:
    wishes = [Landscape(subject="house", second="tree"), Landscape(subject="tree")]
    assert judge._alone(wishes).tolist() == [1]


def test_shares_are_of_what_can_be_seen(tmp_path: Path) -> None:
    painted = painted_set(LANDSCAPES, tmp_path, "few", count=28, height_px=64, width_px=64, seed=1)
    dark = [dataclasses.replace(w, style="ink", second="") for w in painted.wishes[:-1]]
    shown = Landscape(subject="house")
    mixed = dataclasses.replace(painted, wishes=[*dark, shown])
    assert accuracy(Judge(), mixed)["light"] in (0.0, 1.0)
