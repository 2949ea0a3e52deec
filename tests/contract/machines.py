"""Computers with cards of every size."""

from __future__ import annotations

from engine.contract.memory import GIB, Machine

_TAKEN_GIB, _HOST_TAKEN_GIB = 1, 8
"""What Blender, other programs and the operating system are assumed to have of each memory."""


def machine(card_gib: float = 8, host_gib: float = 32, *, kind: str = "cuda") -> Machine:
    """Return a computer with a card; of a processor the card is the computer's own memory."""
    host_free = int((host_gib - _HOST_TAKEN_GIB) * GIB)
    own, own_free = int(card_gib * GIB), int((card_gib - _TAKEN_GIB) * GIB)
    if kind != "cuda":
        own, own_free = int(host_gib * GIB), host_free
    return Machine(
        kind=kind,
        name=f"a card of {card_gib:g} GB" if kind == "cuda" else kind,
        dtype="bfloat16",
        free_bytes=own_free,
        total_bytes=own,
        host_free_bytes=host_free,
        host_total_bytes=int(host_gib * GIB),
    )
