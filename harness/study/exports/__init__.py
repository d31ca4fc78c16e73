"""A study in the formats of other benchmark tools."""
