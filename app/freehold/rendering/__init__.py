"""Hostile text to safe rich text: one parser, one policy, for window, terminal and export."""
