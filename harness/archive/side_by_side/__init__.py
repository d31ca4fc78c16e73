"""Several stored visits, side by side on one page."""
