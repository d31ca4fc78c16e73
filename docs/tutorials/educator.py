"""
The educator: a class plays a visit
===================================

``make clinic`` opens the live page. Here the same visit is played from Python, to
prepare a lesson: what will the class see, and what is true?
"""

from harness import run_scenario, truth_of

shown = run_scenario("null_responder")
shown

# %%
# In this patient no setting makes a difference. The class reads gains all the same:

import numpy as np

gains = np.array([test.gain_pct for test in shown.record.tested])
gains = gains[np.isfinite(gains)]
print(f"{len(gains)} tests read {gains.min():+.1f} to {gains.max():+.1f} %")
print(f"verdict: {shown.record.verdict.kind}")
print(f"true gain: {truth_of(shown.played).window_gain_pct:+.1f} %")

# %%

figure = shown.plot()

# %%
# Beside it a patient who gains, and who feels high amplitudes. Two questions for a
# class: how often was the patient disturbed, and did the safety filter step in?

other = run_scenario("turned_down")
grades = [test.sensation_grade for test in other.record.tested]
filtered = sum(bool(test.filter_note) for test in other.record.tested)
print(f"felt in {sum(grade > 0 for grade in grades)} of {len(grades)} tests")
print(f"the filter changed {filtered} settings")

# %%
# A hand-out holds what was read and nothing that is true:
# ``ccmlab run turned_down --answer-key no``. Ten lessons are shipped, each with steps,
# predictions and questions (``ccmlab list lessons``).

from harness.clinic.lessons.reader import ORDER, load_lesson

for name in ORDER[:3]:
    print(f"{name}: {load_lesson(name).title}")
