"""The figures of a visit's report: one a file, listed in `gallery`."""
