"""Tools of the 3D viewport's toolbar, and the handles that go with them."""
