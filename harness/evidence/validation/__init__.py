"""Published findings against this simulator, row by row.

`targets` holds what was published; each of `experiments` plays a group of findings on
the same `people`; `rules` say when a value agrees, `unmodelled` why some cannot be
asked, `fitted` which of them set a number and so predict nothing. `table` has every row
once, `printing` and `page` write it; `validate` is the command.
"""
