"""The virtual experiments, a file for each group of findings."""
