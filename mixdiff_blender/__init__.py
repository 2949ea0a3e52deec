"""MixDiff: pictures composed by region, from a scene and back into it."""

from __future__ import annotations


def register() -> None:
    """Register everything; an error leaves nothing half registered."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything back and stop the engine."""
    from . import registration

    registration.unregister()
