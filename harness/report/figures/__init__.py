"""The figures of a visit's report."""
