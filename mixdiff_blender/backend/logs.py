"""What the engine says, kept in files of bounded size, without what nobody else should read."""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

MAX_BYTES = 2**20
KEPT_FILES = 3
_REMEMBERED_LINES = 200
_HIDDEN = "[hidden]"

_SECRETS = (
    re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{8,}"),  # tokens of the Hugging Face hub
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user and password in an address
    re.compile(r"(?i)(?<=\bbearer )\S+"),
    re.compile(r"(?i)(?<=\bauthorization: )\S.*"),
    re.compile(r"(?i)\b(?<=token=)[^\s&]+"),
)
_SECRET_VARIABLE = re.compile(r"(?i)(TOKEN|PASSWORD|SECRET|API_KEY)$")
_SHORTEST_SECRET = 6


def redacted(text: str, variables: Mapping[str, str] | None = None) -> str:
    """Return a text without tokens, passwords, and the name of the user's home."""
    for name, value in (os.environ if variables is None else variables).items():
        if len(value) >= _SHORTEST_SECRET and _SECRET_VARIABLE.search(name):
            text = text.replace(value, _HIDDEN)
    for secret in _SECRETS:
        text = secret.sub(_HIDDEN, text)
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


class Log:
    """Lines of one process, the last ones also in memory; may be written from any thread.

    A disk that is full or cannot be written costs the file, never the process that speaks.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES) -> None:
        self.path = path
        self.fault: OSError | None = None
        """Why lines are missing from the file, if they are."""
        self._max_bytes = max_bytes
        self._kept = kept
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=_REMEMBERED_LINES)

    def write(self, line: str) -> None:
        """Add a line; what is secret in it is hidden first."""
        line = redacted(line.rstrip())
        if not line:
            return
        with self._lock:
            self._lines.append(line)
            try:
                self._append(line.encode("utf-8", "replace") + b"\n")
            except OSError as error:
                self.fault = error

    def tail(self, count: int) -> list[str]:
        """Return the last lines."""
        with self._lock:
            return list(self._lines)[-count:]

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size + len(line) > self._max_bytes:
            for number in range(self._kept - 1, 0, -1):
                older, newer = self._numbered(number), self._numbered(number - 1)
                if newer.exists():
                    newer.replace(older)
        with self.path.open("ab") as file:
            file.write(line)

    def _numbered(self, number: int) -> Path:
        return self.path.with_suffix(f".{number}.log") if number else self.path
