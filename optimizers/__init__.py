"""Search strategies: they know a space, points and observations, and no hearts.

The life of a search. A caller states a `Problem`: a lattice of points, the reference,
a budget, how noisy a reading is, perhaps what simulated people would make of each
point. `Search` begins a strategy, a generator function, and asks: the first point is
always the reference. The caller tests the point somewhere else, for minutes of a
patient's time, and tells what was seen, which may be another point (a safety filter
stepped in), a broken-off test, or a reading with an error. `dialogue` hands that to the
strategy, answers what the log already knows, checks what is asked, and begins a
strategy again that ended early. When the budget is spent, `BudgetSpent` is thrown at
the strategy's `yield`; what it returns is noted as its own choice.

Only then is anything chosen: a recommender (`recommend`) looks at the whole log, and
behind it a gate keeps the reference unless something else is probably better. Choosing
is kept apart from searching, because the luckiest reading is not the best setting.

`posterior` and `population` are the two ways to believe readings; `registry` finds
strategies by name; `conformance` is the kit of tests that each of them has to pass.
"""
