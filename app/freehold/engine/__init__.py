"""Running a model: catalogue, download, fit, GGUF check, worker, sampling, prompt cache."""
