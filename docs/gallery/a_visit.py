"""
One visit
=========

Every test with its interval, then what was verified.
"""

from harness import run_scenario

run = run_scenario("first_visit")
figure = run.plot()
