"""`ccmlab landscape`: the exact truth of every setting, and what is left to win.

`survey` is of one patient, `suite` of the patients of a study under each law and from
each start: what rules without any reading give away there, and what a search that is
told the law would win back. `rules` and `told` are the yardsticks. Nothing here is a
visit's, and no search may see it.
"""
