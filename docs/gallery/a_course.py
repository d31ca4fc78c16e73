"""
A year
======

Four visits of one patient, and what the clinic reads of the months between.
"""

from harness import load_scenario, run_course

course = run_course(load_scenario("follow_up_year"))
figure = course.plot()
