"""Which model does how well on which card: the table of `docs/models.md`, by the engine's own plan.

python -m benchmarks.cards
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.contract.catalogue import CATALOGUE, KnownModel
from engine.contract.fitting import plan_of_known
from engine.contract.memory import GIB, Machine, MemoryPlan, gib

CARDS = (6, 8, 12, 16, 24)
_TAKEN_GIB = 1
_HOST_GIB, _HOST_TAKEN_GIB = 32, 8


def machine(card_gib: int) -> Machine:
    """Return a computer of 32 GB with a card of which Blender and the screen have 1 GB."""
    return Machine(
        kind="cuda",
        name=f"{card_gib} GB",
        dtype="bfloat16",
        free_bytes=(card_gib - _TAKEN_GIB) * GIB,
        total_bytes=card_gib * GIB,
        host_free_bytes=(_HOST_GIB - _HOST_TAKEN_GIB) * GIB,
        host_total_bytes=_HOST_GIB * GIB,
    )


def cell(plan: MemoryPlan | None) -> str:
    """Return what a plan comes to, in the table's words."""
    if plan is None:
        return "–"
    words = [gib(plan.needed_bytes)]
    if plan.encoders != "stays":
        words.append("text")
    if plan.network == "visits":
        words.append("layers")
    if plan.is_small:
        words.append("8 bits")
    return " ".join(words)


def table() -> str:
    """Return the table; models of one shape share a row."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| " + " | ".join(["model", *(f"{card} GB" for card in CARDS)]) + " |"
    yield "|---" * (1 + len(CARDS)) + "|"
    rows: dict[tuple[str, ...], list[KnownModel]] = {}
    for known in CATALOGUE:
        if known.footprint:
            cells = tuple(cell(plan_of_known(known, machine(card))) for card in CARDS)
            rows.setdefault(cells, []).append(known)
    for cells, models in rows.items():
        names = ", ".join(known.id.partition("/")[2] for known in models)
        yield "| " + " | ".join([names, *cells]) + " |"


if __name__ == "__main__":
    print(table())
