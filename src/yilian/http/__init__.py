"""The edge: what arrives over HTTP is parsed, handed to one room, and what comes back is written out. One file for each interaction."""
