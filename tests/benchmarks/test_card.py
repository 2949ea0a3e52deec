"""One call measures all of a card: rehearsed on the processor, piece after piece."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.performance import busy
from benchmarks.performance.__main__ import main
from benchmarks.performance.card import header, mending, pieces
from benchmarks.performance.card.alone import alone
from benchmarks.performance.card.setting import Setting
from benchmarks.performance.record import Aim, Record

forks = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork"
)
PART = "header picture"


def _one_figure(record: Record) -> None:
    record.put("group", "time", 1, "s")


def _raises(record: Record) -> None:
    _one_figure(record)
    raise RuntimeError("CUDA out of memory\nand more of it")


def _dies(record: Record) -> None:
    _one_figure(record)
    os._exit(7)


def _sleeps(record: Record) -> None:
    _one_figure(record)
    time.sleep(60)


@forks
@pytest.mark.parametrize(
    ("work", "failure"),
    [
        (_one_figure, None),
        (_raises, "RuntimeError: CUDA out of memory"),
        (_dies, "its process ended with 7"),
        (_sleeps, "it was ended after 2 s, its share of the time"),
    ],
)
def test_a_piece_that_fails_keeps_its_figures_and_says_why(
    work: Callable[[Record], None], failure: str | None
) -> None:
    began = time.monotonic()
    found = alone("piece", work, limit_s=2, start="fork")
    assert [figure.value for figure in found.record.figures["piece"]] == [1]
    assert found.failure == failure
    assert time.monotonic() - began < 20


@forks
def test_a_failed_piece_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(record: Record, setting: Setting) -> None:
        _one_figure(record)

    def dying(record: Record, setting: Setting) -> None:
        _dies(record)

    monkeypatch.setattr(pieces, "start_method", lambda **_: "fork")
    monkeypatch.setattr(
        pieces,
        "PIECES",
        {
            "one": pieces.Piece(about="dies", share=1, measure=dying),
            "two": pieces.Piece(about="goes on", share=1, measure=measured),
        },
    )
    record = Record()
    failures = pieces.measure_all(record, minutes=1, rehearse=True, names=("one", "two"))
    assert failures == {"one": "its process ended with 7"}
    assert record.figures.keys() == {"card: one", "card: two"}
    [row] = mending.rows_of(record, failures)
    assert (row.piece, row.is_met, row.look_at) == ("one", False, "its process ended with 7")


def _header(**values: float) -> Record:
    record = Record()
    record.begin("card: header")
    aims = {header.SHARE: Aim(value=header.LEAST_SHARE)}
    for name, value in values.items():
        name = getattr(header, name, None) or getattr(busy, name)
        record.put(PART, name, value, "%", aims.get(name))
    return record


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"SHARE": 0.3, "BUSY": 0.5}, "launch-bound"),
        ({"SHARE": 0.3, "BUSY": 0.95, "BARE_SHARE": 0.32}, "bound by memory"),
        ({"SHARE": 0.3, "BUSY": 0.95, "WEIGHTS": 0.8}, "reading the weights"),
        ({"SHARE": 0.3, "BUSY": 0.95, "BARE_SHARE": 0.6, "PICTURE": 0.4}, "decoding: 40.0%"),
        ({"SHARE": 0.3, "WAITS": 2.0}, "waits for the card"),
    ],
)
def test_a_goal_that_is_missed_says_what_to_look_at(values: dict[str, float], said: str) -> None:
    [row] = mending.rows_of(_header(**values), {})
    assert not row.is_met
    assert said in row.look_at


def test_a_goal_that_is_met_needs_nothing() -> None:
    [row] = mending.rows_of(_header(SHARE=0.6, BUSY=0.5), {})
    assert row.is_met
    assert not row.look_at


def test_compiling_that_pays_is_named() -> None:
    record = _header(SHARE=0.3)
    record.begin("card: compiled")
    record.put("compiled", "reduce-overhead: faster than plain", 1.4)
    [row] = mending.rows_of(record, {})
    assert "compiled with reduce-overhead a step is 1.40 ×" in row.look_at


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has a GPU")
def test_without_a_card_nothing_is_measured_and_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"sees no GPU of CUDA here.*--rehearse"):
        main(["--card", "--to", str(tmp_path)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rehearse"], "--rehearse is for --card"),
        (["--card", "--rehearse", "--minutes", "0"], "--minutes 0 is no time"),
        (["--card", "--rehearse", "--only", "cpu"], "'cpu' is no part of this"),
        (["--only", "header"], "'header' is no part of this"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        main(options)


@pytest.mark.slow
@pytest.mark.timeout(700)  # the command's ten minutes: it hurries where others use the machine
@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is known on Linux alone")
def test_a_rehearsal_measures_its_pieces(tmp_path: Path) -> None:
    chosen = ["header", "windows", "decoding"]  # all ten take minutes: `--card --rehearse`
    record = main(["--card", "--rehearse", "--to", str(tmp_path), "--only", *chosen])
    assert list(record.figures) == [pieces.heading(name) for name in chosen]
    assert all(record.figures.values())
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "all of it" not in text, "a piece failed"
    assert header.SHARE in text
    for name in ("header_float32", "windows", "decoding"):
        assert (tmp_path / f"card_{name}.png").is_file()
    [run] = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert run["quick"]
