"""The report of a visit: one model, from which every format is rendered."""
