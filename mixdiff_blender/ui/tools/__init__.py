"""Tools of the 3D viewport's toolbar."""
