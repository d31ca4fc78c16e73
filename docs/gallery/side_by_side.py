"""
Visits side by side
===================

The same patient and seed under two readouts, from their folders.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from harness import load_scenario, run_scenario, side_by_side, write

with TemporaryDirectory() as folder:
    places = []
    for readout in ("finger-pressure", "cuff"):
        scenario = load_scenario("first_visit").changed({"visit.readout": readout})
        run = run_scenario(scenario)
        places.append(Path(folder) / readout)
        write(run, places[-1])
    figure = side_by_side(places).plot()
