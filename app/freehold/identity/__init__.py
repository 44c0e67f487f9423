"""Keys that sign: the owner's key and what it certifies, mandates that say what may be signed, and pairing."""
