"""The page on models says of each card what the engine's plan does."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cards import table
from engine.contract.catalogue import CATALOGUE, KnownModel
from engine.contract.families import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_table_of_cards_is_what_the_plan_does() -> None:
    assert table() in PAGE


FLOWS = [known for known in CATALOGUE if FAMILIES[known.family].network == "transformer"]


@pytest.mark.parametrize("known", FLOWS, ids=lambda known: known.id)
def test_the_table_of_models_says_what_the_catalogue_does(known: KnownModel) -> None:
    rows = (line for line in PAGE.splitlines() if line.startswith("| `"))
    row = next(line for line in rows if f"`{known.id}`" in line)
    assert known.footprint is not None
    assert f"| {known.download_bytes / 1e9:.0f} GB |" in row
    assert f"| {known.footprint.network.numbers * 2 / 1e9:.1f} GB |" in row
    assert ("not commercial" in row) is not known.is_commercial
    assert ("consent" in row) is known.is_gated
    assert f"| {known.num_inference_steps} · {known.guidance_scale:g} |" in row
