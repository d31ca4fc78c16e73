"""The visits that a day draws from: played once, kept on disk under what made them."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from harness.common.files import OutputError, read_json, replace_file
from harness.common.kept import made_by
from harness.day.jobs import Stage, VisitJob, job_of
from harness.day.scenario import VisitKind
from harness.play.run import run_scenario
from harness.play.scenario import Scenario
from optimizers.registry import source_of
from sim.heart.kept import user_caches
from sim.visit.record import VisitRecord

CACHE: Final = "CCMLAB_VISITS_CACHE"
SCHEMA: Final = 1
# not all of this room: a change of the day itself does not play the visits again
_PLAYED_BY: Final = (
    *("sim", "optimizers", "harness/task", "harness/play"),
    "harness/day/jobs.py",
)
_NOWHERE: Final = Path(os.devnull)  # below it nothing is kept
Say = Callable[[str], None]


def recorded(scenario: Scenario, replicate: int) -> VisitRecord:
    """Play one visit; the only place where a day meets the simulator."""
    return run_scenario(scenario, replicate=replicate).record


def visits_folder() -> Path:
    """Return where played visits are kept; CCMLAB_VISITS_CACHE names another folder."""
    kept = next(iter(user_caches()), _NOWHERE)
    return Path(os.environ.get(CACHE) or kept / "visits")


def jobs_of_kind(kind: VisitKind, n: int, say: Say) -> tuple[VisitJob, ...]:
    """Return `n` visits of a kind, played now or found on disk.

    Replicates of one patient: who is drawn, and all that is random in the visit,
    depends on the number alone, so that plans have the same patients.
    """
    return tuple(_job(kind, replicate, say) for replicate in range(n))


def _job(kind: VisitKind, replicate: int, say: Say) -> VisitJob:
    sources = made_by(*_PLAYED_BY)
    folder = visits_folder() if sources else _NOWHERE
    file = folder / f"{_key(kind.scenario, replicate, sources)}.json"
    name = f"{kind.name} #{replicate + 1}"
    known = _read(file, name)
    if known is not None:
        return known
    say(f"playing a visit beforehand: {name}")
    job = job_of(recorded(kind.scenario, replicate), name)
    with suppress(OutputError):  # nothing can be kept there: played again next time
        replace_file(file, json.dumps(_told(job)).encode())
    return job


def _key(scenario: Scenario, replicate: int, sources: str | None) -> str:
    """Return the hash of all that a visit depends on."""
    shown = scenario.model_dump(mode="json", exclude={"title", "description"})
    shown.pop("metadata", None)
    place = source_of(scenario.search.strategy)
    told = {
        "schema": SCHEMA,
        "scenario": shown,
        "replicate": replicate,
        "made_by": sources,
        "strategy": sha256(place.read_bytes()).hexdigest() if place else "",
    }
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _told(job: VisitJob) -> dict[str, Any]:
    return {
        "stopped": job.stopped,
        "stages": [
            [s.name, s.duration_s, list(s.roles), s.place, s.programmer, s.is_safety]
            for s in job.stages
        ],
    }


def _read(file: Path, name: str) -> VisitJob | None:
    """Return a visit that was kept; None where there is none or it cannot be read."""
    try:
        told = read_json(file)
        stages = tuple(
            Stage(title, float(duration_s), tuple(roles), place, programmer, safety)
            for title, duration_s, roles, place, programmer, safety in told["stages"]
        )
        return VisitJob(name, stages, stopped=bool(told["stopped"]))
    except (ValueError, TypeError, KeyError):
        return None
