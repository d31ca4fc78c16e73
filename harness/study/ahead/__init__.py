"""Before a visit: what it will take, and what it can be expected to show.

`plan` plays visits by table for each readout and measuring plan and counts; `apart`
knows how far that engine was measured to lie from the engine of beats.
"""
