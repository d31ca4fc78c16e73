"""Tools that every room uses; what two rooms need and neither owns moves down to here.

`faults` says what is wrong with a file so that it can be mended; `files` writes whole
or not at all; `csv` and `parquet` are tables, `pages` and `drawing` what is shown,
`words` numbers and settings in it; `progress` talks, `processes` says how one ended.
Nothing in here knows a scenario, a visit or a study.
"""
