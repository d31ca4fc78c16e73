"""A patient from bedside values: read, fit, say what the values cannot tell, write."""
