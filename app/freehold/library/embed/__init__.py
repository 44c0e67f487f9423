"""Text to vectors. `worker.py` runs in the `embedder` process, `client.py` is the app's end."""
