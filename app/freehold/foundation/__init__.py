"""What every room stands on: errors with words, paths, settings, logs. No third party."""
