"""What the simulator knows and the visit does not: opened to judge and as key.

`answer_key.truth_of` a visit that was played, for its report; `landscape` of a whole
lattice; `score` of what a search chose, for the rows of a study.
"""
