"""The folder of a run: written, read back, rendered again, cited, set side by side."""
