"""A study in the formats of other benchmark tools.

`runs` tells a study in their words, functions, instances and runs; `ioh` and `coco`
write one format each; `export` is the command.
"""
