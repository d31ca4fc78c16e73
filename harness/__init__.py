"""Joins the simulated world and the search strategies: runs, studies, reports."""
