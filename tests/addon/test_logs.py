"""The engine's words: bounded files, no secrets, and a full disk that stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixdiff_blender.backend.logs import Log, redacted

TOKEN = "hf_" + "AbCdEfGhIjKlMnOp"


def test_a_log_never_grows_over_its_bound(tmp_path: Path) -> None:
    log = Log(tmp_path / "engine.log", max_bytes=1000, kept=3)
    for number in range(400):
        log.write(f"line {number} of many")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["engine.1.log", "engine.2.log", "engine.log"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert (tmp_path / "engine.log").read_text().endswith("line 399 of many\n")
    assert log.tail(2) == ["line 398 of many", "line 399 of many"]


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://hub/x with {TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        f"https://someone:{TOKEN}@mirror/simple",
        f"url?token={TOKEN}&x=1",
    ],
)
def test_a_token_is_hidden_wherever_it_stands(text: str, tmp_path: Path) -> None:
    Log(tmp_path / "engine.log").write(text)
    written = (tmp_path / "engine.log").read_text()
    assert TOKEN not in written
    assert "[hidden]" in written


def test_values_of_secret_variables_and_the_home_are_hidden() -> None:
    text = redacted(f"s3cret-value in {Path.home()}/x", {"HF_TOKEN": "s3cret-value", "A": "in"})
    assert text == "[hidden] in ~/x"


def test_a_folder_that_cannot_be_written_costs_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = Log(tmp_path / "file" / "engine.log")
    log.write("still remembered")
    assert log.tail(5) == ["still remembered"]
    assert isinstance(log.fault, OSError)
