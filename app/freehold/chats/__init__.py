"""Conversations as trees of turns: values, store, search, import and export."""
