"""Storybook landscapes: one subject in a light, a season and a style, with one horizon for all."""
