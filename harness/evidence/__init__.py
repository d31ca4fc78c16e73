"""What the simulator rests on: validation, sensitivity, fits, tables of cohorts.

Here the simulator is asked about, not used: published findings played again, numbers
varied, a patient fitted to bedside values, the truth of whole lattices laid open. These
rooms may open the truth for that reason, and no room imports them.
"""
