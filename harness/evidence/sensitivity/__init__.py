"""Which numbers of a patient drive the gain, the optimum and the verdict.

`ranges` says what is varied; `what_if` answers what a patient with such numbers would
do, by the `stand_ins` for hearts and visits; `study` shares the spread of the answers
out among the numbers; `tell` says it; `analyse` is the command.
"""
