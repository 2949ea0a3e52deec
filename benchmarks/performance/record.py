"""Figures, what they were measured on, and their history."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch

ROOT = Path(__file__).parents[2]
HISTORY = "history.json"
_CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
_UNITS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a figure is to reach, or not to pass."""

    value: float
    at_least: bool = True

    def met(self, measured: float) -> bool:
        """Return whether a figure reaches it."""
        return measured >= self.value if self.at_least else measured <= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value; `unit` is ``x`` for a ratio and ``%`` for a share of 1."""

    group: str
    name: str
    value: float
    unit: str
    aim: Aim | None = None

    def shown(self, value: float | None = None) -> str:
        """Say a value of this figure with its unit."""
        value = self.value if value is None else value
        match self.unit:
            case "x":
                return f"{value:.2f} ×"
            case "%":
                return f"{value:.1%}"
            case "s":
                return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"
            case "":
                return f"{value:.3g}"
            case unit:
                for prefix, factor in _UNITS:
                    if value >= factor:
                        return f"{value / factor:.3g} {prefix}{unit}"
                return f"{value:.3g} {unit}"

    @property
    def aim_shown(self) -> str:
        """Say the aim, and whether it is met."""
        if self.aim is None:
            return ""
        bound = "at least" if self.aim.at_least else "at most"
        verdict = "met" if self.aim.met(self.value) else "not met"
        return f"{bound} {self.shown(self.aim.value)}: {verdict}"


@dataclass(slots=True)
class Record:
    """All that one run measured, by the part of the command that measured it."""

    figures: dict[str, list[Figure]] = field(default_factory=dict)
    series: dict[str, Any] = field(default_factory=dict)
    """The measured points behind the plots."""
    remarks: list[str] = field(default_factory=list)
    _part: str = ""

    def begin(self, part: str) -> None:
        """Note what follows as a part's."""
        self._part = part
        self.figures[part] = []

    def put(
        self, group: str, name: str, value: float, unit: str = "x", aim: Aim | None = None
    ) -> None:
        """Note a figure and show it at once."""
        figure = Figure(group=group, name=name, value=float(f"{value:.5g}"), unit=unit, aim=aim)
        self.figures.setdefault(self._part, []).append(figure)
        print(f"  {name}: {figure.shown()}  {figure.aim_shown}".rstrip(), flush=True)

    def remark(self, text: str) -> None:
        """Note something in words and show it at once."""
        self.remarks.append(text)
        print(f"  {text}", flush=True)

    def to_document(self, machine: dict[str, Any], *, quick: bool) -> dict[str, Any]:
        """Return the record as plain values."""
        return {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "quick": quick,
            "machine": machine,
            "figures": {
                part: [asdict(figure) for figure in figures]
                for part, figures in self.figures.items()
                if figures
            },
            "series": self.series,
            "remarks": self.remarks,
        }


def machine() -> dict[str, Any]:
    """Return what a machine is, without its name."""
    cpu, features = _cpu()
    return {
        "cpu": cpu,
        "cpu_features": features,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def markdown(history: Sequence[Mapping[str, Any]], parts: Iterable[str]) -> str:
    """Write the newest figures of each part, and where and when they were measured."""
    lines: list[str] = []
    for part in parts:
        run = next((run for run in reversed(history) if part in run["figures"]), None)
        if run is None:
            continue
        lines += [f"## {part}", "", _circumstances(run)]
        group = ""
        for values in run["figures"][part]:
            aim = Aim(**values["aim"]) if values["aim"] else None
            figure = Figure(**{**values, "aim": aim})
            if figure.group != group:
                group = figure.group
                lines += ["", f"**{group}**", "", "| what | measured | aim |", "|---|---|---|"]
            lines.append(f"| {figure.name} | {figure.shown()} | {figure.aim_shown} |")
        lines.append("")
    return "\n".join(lines)


def _circumstances(run: Mapping[str, Any]) -> str:
    here = run["machine"]
    device = f"{here['cpu']} ({', '.join(here['cpu_features'])})"
    if here["gpu"]:
        device = f"{here['gpu']}, {device}"
    quick = ", a quick look" if run["quick"] else ""
    return (
        f"{run['when'][:16].replace('T', ' ')} UTC, commit {run['commit']}{quick}; {device}, "
        f"{here['threads']} threads of {here['cores']} cores, {here['memory_gib']} GiB, load "
        f"{here['load_before']} before; torch {here['torch']}."
    )


def append(document: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Add a record to the history of a folder, and return all of it."""
    path = folder / HISTORY
    history: list[dict[str, Any]] = (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    )
    history.append(document)
    # One record a line, so that a new one is one new line to a version control.
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in history)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return history


def in_words(error: BaseException) -> str:
    """Return an error in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join([type(error).__name__, *lines[:1]])


def _cpu() -> tuple[str, list[str]]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor() or platform.machine(), []
    values: dict[str, str] = {}
    for line in path.read_text().split("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        values[name.strip()] = value.strip()
    flags = values.get("flags", "").split()
    return values.get("model name", platform.machine()), [f for f in _CPU_FEATURES if f in flags]


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "engine", "benchmarks")
    return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")
