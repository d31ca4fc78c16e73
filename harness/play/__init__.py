"""A scenario becomes a visit that was played. Nothing here knows the truth."""
