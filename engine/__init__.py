"""MixDiff's engine: pictures composed by region with Mixture of Diffusers."""

__version__ = "0.2.0"
