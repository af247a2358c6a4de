"""What each resource looks like to clients: the one description of it, for reading, writing and documenting."""
