"""Answering: what fits the context, where it runs, and the answer's provenance."""
