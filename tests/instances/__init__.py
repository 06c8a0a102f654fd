"""Two instances in one process, over one store in memory: every interleaving may be chosen."""
