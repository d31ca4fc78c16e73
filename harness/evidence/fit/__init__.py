"""A patient from bedside values: read, fit, say what the values cannot tell, write.

`measurements` reads the file, `quantities` knows what can be fitted and how a heart
gives it, `solver` fits, `text` tells and writes; `fit` is the command.
"""
