"""A clinic's day: rooms, people and programmers, for visits played beforehand."""
