"""Judging: what studies of many visits show of their contenders."""
