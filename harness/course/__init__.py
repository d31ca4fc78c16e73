"""Several visits of one patient over months: played, written, shown; and trials."""
