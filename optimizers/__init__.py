"""Search strategies: they know a space, points and observations, and no hearts."""
