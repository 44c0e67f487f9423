"""Freehold: a personal AI that a person holds outright."""

__version__ = "0.1.0"
