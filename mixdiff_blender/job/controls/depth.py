"""How near everything is, as ControlNets for depth expect it."""

from __future__ import annotations

import numpy as np

from .seen_triangles import Colours, SeenTriangles


def depth_picture(seen: SeenTriangles) -> Colours:
    """Return a picture of the depth: the nearest white, the farthest and what is empty black.

    Inverse distances, as MiDaS estimates them; of an orthographic camera distances, which a
    perspective one has from far away. (H, W, 3).
    """
    shown, depths = seen.is_seen, seen.depths
    with np.errstate(divide="ignore"):
        nearness = 1 / depths if seen.view.is_perspective else -depths
    shares = np.zeros(depths.shape)
    if shown.any():
        least, most = nearness[shown].min(), nearness[shown].max()
        # One distance alone is near.
        is_flat = most - least <= 1e-6 * max(abs(most), abs(least))
        shares[shown] = 1.0 if is_flat else (nearness[shown] - least) / (most - least)
    levels = np.rint(shares * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)
