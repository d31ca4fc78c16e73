"""The verbs of `ccmlab`, a file each; science is imported inside their bodies."""
