"""Which shape a region has: what is seen of it, its rectangle, or a picture's."""

from __future__ import annotations

from ...properties import MASK_PICTURE, REROLL_TYPE, SILHOUETTE, RegionSettings
from .empties import is_image_empty
from .entries import Source


def may_have_silhouette(source: Source) -> bool:
    """Return whether a region is made from something whose shape a render shows."""
    obj = source.object
    is_thing = source.group is not None or (obj is not None and not is_image_empty(obj))
    return is_thing and source.settings.type != REROLL_TYPE


def has_silhouette(source: Source) -> bool:
    """Return whether a region covers what is seen of its objects."""
    return source.settings.shape == SILHOUETTE and may_have_silhouette(source)


def has_mask_picture(settings: RegionSettings) -> bool:
    """Return whether a region covers what a picture says.

    So do those whose shape nobody has chosen, as in files of 0.1.0.
    """
    if settings.is_property_set("shape"):
        return settings.shape == MASK_PICTURE
    return settings.mask is not None
