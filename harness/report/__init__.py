"""The report of a visit: sections declared as data, and the formats they render to.

`contents` lists the sections; each module of `sections` declares one: its place and
title, its part of the data and how that is built from a `case`, and how it is told in
FHIR. Its page stands in `templates/sections`, once for HTML and once for the PDF.
`build` makes the report, `formats` the files, `figures` what the sections show drawn.
"""
