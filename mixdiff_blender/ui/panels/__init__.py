"""The sidebar's tab: draws what there is, and does nothing."""

from __future__ import annotations

from . import canvas, engine, generate, region, regions, results

# In the order in which they stand.
CLASSES = (
    *engine.CLASSES,
    *canvas.CLASSES,
    *regions.CLASSES,
    *region.CLASSES,
    *generate.CLASSES,
    *results.CLASSES,
)
