"""The benchmark's figures as text, each beside the bar that it has to clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = float | int | str | list[str] | Mapping[str, "Value"]
Table = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a figure must reach, or must not pass."""

    value: float
    at_least: bool = True

    def met(self, measured: float) -> bool:
        """Return whether a figure clears the bar."""
        return measured >= self.value if self.at_least else measured <= self.value

    def text(self) -> str:
        """Say the bar in words."""
        if self.at_least:
            return f"at least {self.value:.0%}"
        return f"at most {self.value:g}"


BARS: dict[str, Bar] = {
    "judge of landscapes on held-out pictures: subject": Bar(value=0.97),
    "scenes, per region: subject": Bar(value=0.90),
    "scenes, per region: light": Bar(value=0.95),
    "scenes, per region: season": Bar(value=0.95),
    "scenes, per region: style": Bar(value=0.90),
    "scenes, one horizon": Bar(value=0.95),
    "scenes, one prompt twice: overlap over interior": Bar(value=1.05, at_least=False),
    "classifier on held-out painted pictures": Bar(value=0.97),
    "single prompts, all: concept": Bar(value=0.90),
    "single prompts, all: colour": Bar(value=0.90),
    "mixtures, per region: concept": Bar(value=0.85),
    "mixtures, per region: colour": Bar(value=0.90),
    "street, per part: concept": Bar(value=0.95),
    "street, per part: colour": Bar(value=0.95),
    "seam, same prompt: overlap over interior": Bar(value=1.05, at_least=False),
    "seam, unlike prompts: strongest step, median": Bar(value=1.0, at_least=False),
}


def share_of(share: float, count: int) -> Value:
    """Keep a share together with the number of cases behind it."""
    return {"share": round(share, 4), "count": count}


def shown(value: Value) -> str:
    """Say a figure in words."""
    if isinstance(value, Mapping):
        if set(value) == {"share", "count"}:
            return f"{float(str(value['share'])):.1%} of {value['count']}"
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)


def _number(value: Value) -> float | None:
    if isinstance(value, Mapping):
        return float(str(value["share"])) if "share" in value else None
    return float(value) if isinstance(value, int | float) else None


def markdown(table: Table) -> str:
    """Write all figures as one table."""
    lines = ["| what | measured | bar | cleared |", "|---|---|---|---|"]
    for name, value in table.items():
        bar, number = BARS.get(name), _number(value)
        goal = bar.text() if bar else ""
        verdict = ("yes" if bar.met(number) else "**no**") if bar and number is not None else ""
        lines.append(f"| {name} | {shown(value)} | {goal} | {verdict} |")
    return "\n".join(lines) + "\n"
