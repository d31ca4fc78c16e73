"""Published findings against this simulator, row by row."""
