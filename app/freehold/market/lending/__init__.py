"""Answering for other machines: the gateway process, the jobs it does, and the app's side of it."""
