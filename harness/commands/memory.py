"""What a command that has a process of its own does about Python's search for garbage.

Modules, and whatever they hold, stay until the process ends. To look through them while
they are imported, at each full search, and once more at the end, took a ninth of the
processor time of a run. Most are there when a command begins its work, and those are
never looked through; what it imports while it works is searched as all else.
"""

import gc
import sys
from typing import Final

OBJECTS_BETWEEN_SEARCHES: Final = 50_000
"""New objects, some 5 MB, after which those that hold each other alone are sought."""


def search_later() -> None:
    """Seek no garbage until `search_from_here`: first most modules are imported."""
    # what a command makes, it mostly keeps: searching it found nothing
    gc.set_threshold(OBJECTS_BETWEEN_SEARCHES)
    gc.disable()


def search_from_here() -> None:
    """Seek garbage among what is made from here on; only after `search_later`."""
    if gc.isenabled():
        return
    # DuckDB complains at the end of each of its types that nobody took apart
    if "duckdb" not in sys.modules:
        gc.freeze()
    gc.enable()
