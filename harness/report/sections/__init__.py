"""One module a section; `harness.report.contents` says which there are."""
