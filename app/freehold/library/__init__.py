"""Documents: extract, chunk, embed, index, search, watch folders, citations."""
