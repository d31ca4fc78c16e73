"""The implanted device: settings and their rules, pulse generator, battery, leads."""
