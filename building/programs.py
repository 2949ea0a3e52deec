"""Running other programs, and what is told to the person at the keyboard."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


class BuildError(Exception):
    """Something that the person at the keyboard can understand and mend."""


def say(line: str) -> None:
    """Show one line of progress."""
    print(line, flush=True)


def run(
    command: Sequence[str | Path], *, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None
) -> str:
    """Run a program quietly and return what it printed.

    Raises:
        BuildError: it could not start, or it failed; with the command and its last lines.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise BuildError(f"`{shlex.join(words)}` could not start: {error.strerror}.") from error
    if done.returncode != 0:
        tail = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-12:])
        raise BuildError(
            f"`{shlex.join(words)}` ended with exit code {done.returncode}; "
            f"its last lines were:\n{tail or '    (it printed nothing)'}"
        )
    return done.stdout


def show(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program that speaks to the terminal itself, and return its exit code."""
    return subprocess.run([str(w) for w in command], cwd=CHECKOUT, env=env, check=False).returncode
