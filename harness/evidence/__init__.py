"""What the simulator rests on: validation, sensitivity, fits, tables of cohorts."""
