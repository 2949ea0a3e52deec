"""Headless progress: one bar a stage in a terminal, a few lines elsewhere."""

from __future__ import annotations

import io

import pytest

from mixdiff_blender.cli.progress import ProgressBar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", "40")
    return 40


def seen(terminal: Terminal) -> list[str]:
    """What stands on the screen in the end."""
    lines = terminal.getvalue().removesuffix("\n").split("\n")
    return [line.rsplit("\r", 1)[-1].rstrip() for line in lines]


@pytest.mark.usefixtures("columns")
def test_a_terminal_shows_one_line_a_stage() -> None:
    terminal = Terminal()
    with ProgressBar(stream=terminal) as bar:
        bar.show("loading", "Loading the model")
        for step in range(1, 5):
            bar.show("sampling", f"Step {step} of 4", step / 4)
    assert seen(terminal) == ["Loading the model", f"{'█' * 24} Step 4 of 4"]


def test_no_line_is_longer_than_the_terminal(columns: int) -> None:
    terminal = Terminal()
    with ProgressBar(stream=terminal) as bar:
        bar.show("sampling", "Step 1 of 2, and much that does not fit", 0.5)
    assert seen(terminal) == [f"{'█' * 12}{'░' * 12} Step 1 of 2, a"]
    assert len(seen(terminal)[0]) == columns - 1


def test_what_was_longer_is_wiped_out(columns: int) -> None:
    terminal = Terminal()
    with ProgressBar(stream=terminal) as bar:
        bar.show("a", "Step 1 of 2, 100 s left")
        bar.show("a", "Step 2 of 2")
    drawn = terminal.getvalue().removesuffix("\n").split("\r")[1:]
    assert [len(line) for line in drawn] == [columns - 1, columns - 1]


@pytest.mark.usefixtures("columns")
def test_a_terminal_without_such_letters_gets_plain_ones() -> None:
    terminal = Terminal()
    terminal.encoding = "cp1252"
    with ProgressBar(stream=terminal) as bar:
        bar.show("a", "half", 0.5)
    assert seen(terminal) == [f"{'#' * 12}{'-' * 12} half"]


def test_a_log_gets_the_first_and_the_last_line_of_a_stage_and_one_every_half_minute() -> None:
    log, now_s = io.StringIO(), [0.0]
    with ProgressBar(stream=log, clock_s=lambda: now_s[0]) as bar:
        bar.show("loading", "Loading the model")
        for step in range(1, 101):
            bar.show("sampling", f"Step {step} of 100", step / 100)
            now_s[0] += 1
    steps = [1, 31, 61, 91, 100]
    assert log.getvalue().splitlines() == [
        "Loading the model",
        *(f"Step {step} of 100" for step in steps),
    ]


def test_the_same_text_is_printed_once_and_nothing_at_all_where_asked() -> None:
    log, silence = io.StringIO(), io.StringIO()
    for bar in (ProgressBar(stream=log), ProgressBar(stream=silence, quiet=True)):
        for _ in range(3):
            bar.show("a", "Step 1 of 1", 1.0)
        bar.close()
    assert (log.getvalue(), silence.getvalue()) == ("Step 1 of 1\n", "")
