"""This package by its name and its folder, for the modules inside."""

from __future__ import annotations

from pathlib import Path

assert __package__ is not None
NAME: str = __package__
FOLDER = Path(__file__).parent
