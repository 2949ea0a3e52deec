"""MixDiff for Blender: pictures composed from regions before the camera.

The engine that paints them is a process of its own; this package never loads its libraries.
"""

from __future__ import annotations


def register() -> None:
    """Make the add-on known to Blender."""
    # Only now, so that what does without Blender can be imported without it.
    from . import registration

    registration.register()


def unregister() -> None:
    """Take the add-on away again, and end the engine."""
    from . import registration

    registration.unregister()
