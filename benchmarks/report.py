"""The figures of a run of the quality benchmark, and where its sheets go."""

from __future__ import annotations

from pathlib import Path

from benchmarks import adherence
from benchmarks.tables import Table, Value, share_of, shown


class Report:
    """Collects the figures and says where the sheets go."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Begin an empty report."""
        self.folder, self.seed = folder, seed
        self.table: Table = {}

    def put(self, name: str, value: Value) -> None:
        """Note a figure and show it at once."""
        self.table[name] = value
        print(f"{name}: {shown(value)}", flush=True)

    def share(self, name: str, rows: list[adherence.Judged]) -> None:
        """Note the shares of right concepts and right colours."""
        colours, judged_colours = adherence.colour_share(rows)
        self.put(f"{name}: concept", share_of(adherence.concept_share(rows), len(rows)))
        if judged_colours:
            self.put(f"{name}: colour", share_of(colours, judged_colours))
