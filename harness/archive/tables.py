"""Tidy tables of a visit: one row a test, a pair, a reading, an event, a beat."""

import math
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from harness.common.csv import Cell, Row
from harness.common.parquet import in_memory
from harness.report.contents import Report
from sim.device.settings import Settings
from sim.instruments import Reading
from sim.telemetry.wfdb_files import SIMULATED
from sim.visit.record import BeatTable, Gains, Pair, Tested, VisitRecord

THERAPY: Final = (
    "mode",
    "ccm_mode",
    "ccm_channels",
    "amplitude_v",
    "phase_duration_ms",
    "n_pulses",
    "delay_ms",
    "alert_start_ms",
    "alert_width_ms",
    "post_ls_refractory_ms",
    "pvarp_ms",
    "vrp_ms",
)


_NO_GAINS: Final = dict.fromkeys(
    (f"gain_{item.name}" for item in fields(Gains)), math.nan
)


def evaluation_rows(record: VisitRecord) -> Iterator[Row]:
    """Yield what was seen at each tested setting, in order."""
    for tested in record.tested:
        yield {
            "number": tested.number,
            "start_s": tested.start_s,
            "end_s": tested.end_s,
            "minutes": tested.minutes,
            "n_beats": tested.n_beats,
            **_therapy("asked", tested.asked),
            **_therapy("tested", tested.settings),
            "filter_note": tested.filter_note,
            **_seen(tested),
        }


def _seen(tested: Tested) -> Row:
    return {
        **_gains(tested.pair),
        "standard_error_pct": tested.standard_error_pct,
        "sensation_grade": tested.sensation_grade,
        "n_ectopics": tested.n_ectopics,
        "n_train_ectopics": tested.n_train_ectopics,
        "delivered_frac": tested.delivered_frac,
        "energy_frac": tested.energy_frac,
        "void": tested.pair.void if tested.pair else "",
        "aborted": tested.aborted,
    }


def pairs(record: VisitRecord) -> list[Pair]:
    """Return every pair of a visit in the order of time."""
    titration = [tested.pair for tested in record.tested if tested.pair]
    sham = [record.sham_pair] if record.sham_pair else []
    found = [*record.response_pairs, *record.harm_pairs, *sham, *titration]
    found += record.verification_pairs
    return sorted(found, key=lambda pair: pair.start_s)


def pair_rows(record: VisitRecord) -> Iterator[Row]:
    """Yield each pair with the means of its arms and the relative changes."""
    for pair in pairs(record):
        tested = [arm for arm in pair.arms if arm.role == "tested"]
        yield {
            "purpose": pair.purpose,
            "number": pair.number,
            "start_s": pair.start_s,
            "end_s": pair.end_s,
            "order": " ".join(arm.role for arm in pair.arms),
            "n_attempts": sum(arm.n_attempts for arm in pair.arms),
            **_therapy("tested", tested[0].settings if tested else None),
            "reference_primary": pair.mean("reference"),
            "tested_primary": pair.mean("tested"),
            **_gains(pair),
            "void": pair.void,
        }


def reading_rows(record: VisitRecord) -> Iterator[Row]:
    """Yield each reading with the arm and the pair that it belongs to."""
    for pair in pairs(record):
        weighted = zip(pair.arms, pair.arm_weights, strict=True)
        for place, (arm, weight) in enumerate(weighted, start=1):
            yield {
                "purpose": pair.purpose,
                "pair": pair.number,
                "arm": place,
                "role": arm.role,
                "arm_start_s": arm.start_s,
                "arm_end_s": arm.end_s,
                "n_attempts": arm.n_attempts,
                "weight": weight,
                **_fields(arm.reading),
            }


def event_rows(record: VisitRecord) -> Iterator[Row]:
    """Yield the log of the visit."""
    for event in record.events:
        yield {
            "at_s": event.at_s,
            "phase": event.phase,
            "kind": event.kind,
            "text": event.text,
        }


def provenance_rows(report: Report) -> Iterator[Row]:
    """Yield the source of every number that the run used."""
    for row in report.numbers.rows:
        yield row.model_dump()


def write_beats(beats: BeatTable, path: Path, *, pseudonym: str) -> None:
    """Write every beat as Parquet, in order; equal beats give equal bytes.

    The file's own metadata has the pseudonym and says that all is simulated.
    """
    rows = np.asarray(beats.rows, dtype=np.float64)
    columns = {"beat": np.arange(len(rows), dtype=np.int64)}
    columns |= {
        name: np.ascontiguousarray(rows[:, i]) for i, name in enumerate(beats.columns)
    }
    with in_memory() as connection:
        connection.register("beats", columns)
        connection.execute(
            f"COPY (SELECT * FROM beats ORDER BY beat) TO {_quoted(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd, KV_METADATA "
            f"{{pseudonym: {_quoted(pseudonym)}, about: {_quoted(SIMULATED)}}})"
        )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _therapy(prefix: str, settings: Settings | None) -> dict[str, Cell]:
    return {
        f"{prefix}_{name}": getattr(settings, name) if settings else None
        for name in THERAPY
    }


def _gains(pair: Pair | None) -> Row:
    if pair is None or pair.gains is None:
        return _NO_GAINS
    return {f"gain_{name}": value for name, value in _fields(pair.gains).items()}


def _fields(item: Gains | Reading) -> dict[str, Cell]:
    return {field.name: getattr(item, field.name) for field in fields(item)}
