"""Studies: many visits of a cohort, by several strategies, plans and budgets."""
