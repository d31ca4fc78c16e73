"""Scenarios that come with ccmlab, and short scripts: data and examples."""
