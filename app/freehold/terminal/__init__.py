"""The command line: the same flows without Qt."""
