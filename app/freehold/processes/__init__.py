"""Child processes: frames on a pipe, the link that holds one end, the worker loop at the other."""
