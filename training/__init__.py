"""Painted data, training and export of the bundled latent diffusion model."""
