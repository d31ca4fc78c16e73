"""A patient from bedside values: read, fit, say what the values cannot tell, write.

`quantities` knows what can be fitted and how well it is read. A file goes through
`sheet` (rows of text, whatever program wrote them), `layout` with `headings` (which
cell says what of whom), and `measurements` with `written` (numbers and units, read in
one way or refused). `solver` fits, `text` tells and writes; `fit` is the command.
"""
