"""
The engineer: a search strategy of one's own
============================================

A strategy is a generator function. It yields a point, is sent back what was seen there,
and knows a space and a budget, never a heart.
"""

import numpy as np

from harness import landscape, run_scenario
from optimizers import Axis, Budget, Problem, Space


def climb(problem, rng):
    """Go along the first axis while that is better."""
    here = yield problem.reference
    while True:
        moved = False
        for axis, step in rng.permutation([(0, 1), (0, -1)]):
            place = list(here.tested)
            place[axis] += step
            if not problem.space.contains(tuple(place)):
                continue
            seen = yield tuple(place)
            if seen.tolerated and seen.usable and seen.value > here.value:
                here, moved = seen, True
                break
        if not moved:
            return here.tested


# %%
# On a small space of one's own it runs without any patient: here the value of a point
# is known, and nothing is noisy.

from optimizers import Observation

space = Space((Axis("x", "", (0.0, 1.0, 2.0, 3.0, 4.0)),))
problem = Problem(space, (0,), Budget(evaluations=20), noise_sd=0.0)
asking = climb(problem, np.random.default_rng(1))
point, n_asked = next(asking), 1
try:
    while True:
        value = -((space.as_dict(point)["x"] - 3.0) ** 2)
        point, n_asked = asking.send(Observation(point, point, value)), n_asked + 1
except StopIteration as end:
    end_point = end.value
print(f"found x = {space.as_dict(end_point)['x']:g} after {n_asked} asks")

# %%
# In a visit the readings are noisy, cost minutes and may hurt; budget, safety filter
# and verdict are the visit's. A strategy in a file is named ``file.py:climb``; one that
# is shipped by its name.

names = ("stay", "titration", "cohort-bayes")
runs = {name: run_scenario("first_visit", strategy=name, seed=11) for name in names}
for name, run in runs.items():
    print(f"{name:13} {len(run.record.tested):2} tests, {run.record.verdict.told}")

# %%
# How good was each choice? The landscape is the truth of every setting, so what a
# choice gives away is exact.

played = runs["titration"].played
truth = landscape(played.order.patient, played.record.reference, played.space.space)
truth

# %%

figure = truth.plot()

# %%

lost = {}
for name, run in runs.items():
    choice = run.played.record.choice.settings
    row = truth.row(run.played.space.point_of(choice))
    lost[name] = truth.points_lost(truth.utility_pct[row])
    print(f"{name:13} gives away {lost[name]:.2f} of {truth.span_points:.2f} points")

# %%
# One visit tells nothing of a strategy. ``ccmlab check-strategy climb.py:climb`` runs
# the conformance kit and twenty patients, ``ccmlab study`` as many as are needed.
