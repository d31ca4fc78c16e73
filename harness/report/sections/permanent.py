"""The permanent values beside those found: shown with the verdict and the method."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Final

from harness.common.words import SettingValue, digits_of, setting_text, unit_of_setting
from harness.report.case import Case
from harness.report.fhir_observations import observation, setting
from harness.report.fhir_terms import Json, Names, concept
from harness.report.parts import Part, SettingRow
from harness.report.section import Section
from sim.device.lattice import parameters
from sim.device.settings import Settings

MAIN: Final = (
    "mode",
    "ccm_mode",
    "ccm_channels",
    "ls_channel",
    "amplitude_v",
    "phase_duration_ms",
    "n_pulses",
    "delay_ms",
    "alert_start_ms",
    "alert_width_ms",
    "post_ls_refractory_ms",
    "pvarp_ms",
    "vrp_ms",
    "ccm_hours_per_day",
)


class Permanent(Part):
    """The permanent values: those that matter or changed, then all others."""

    statement: str
    shows_reference: bool
    main: tuple[SettingRow, ...]
    others: tuple[SettingRow, ...]


def permanent_part(case: Case) -> Permanent:
    """Return the permanent values beside those found."""
    record = case.record
    found, reference = record.as_found.settings, record.reference
    rows = [
        setting_row(item.name, found, reference, record.final)
        for item in fields(Settings)
    ]
    shown = [row for row in rows if row.symbol in MAIN or row.changed]
    n_changed = sum(row.changed for row in rows)
    return Permanent(
        statement=(
            f"{n_changed} of {len(rows)} values were changed."
            if n_changed
            else "No value was changed; the device leaves as it came."
        ),
        shows_reference=bool(reference.changed(found)),
        main=tuple(shown),
        others=tuple(row for row in rows if row not in shown),
    )


def setting_row(
    symbol: str, found: Settings, reference: Settings, permanent: Settings
) -> SettingRow:
    """Return one programmable value of three settings."""
    before, after = getattr(found, symbol), getattr(permanent, symbol)
    return SettingRow(
        symbol=symbol,
        label=parameters()[symbol].label,
        unit=unit_of_setting(symbol),
        digits=digits_of(symbol),
        as_found=before,
        reference=getattr(reference, symbol),
        permanent=after,
        changed=before != after,
    )


def _in_fhir(permanent: Permanent, names: Names) -> Iterator[tuple[str, Json]]:
    rows = (*permanent.main, *permanent.others)
    found = [(row, row.as_found) for row in rows]
    yield (
        "found",
        _programmed(names, "found", "as-found", found, during="interrogation"),
    )
    left = [(row, row.permanent) for row in rows]
    yield (
        "permanent",
        _programmed(
            names, "permanent", "permanent", left, during="permanent programming"
        ),
    )


def _programmed(
    names: Names,
    key: str,
    when: str,
    values: Iterable[tuple[SettingRow, SettingValue]],
    *,
    during: str,
) -> Json:
    display = f"programmed values, {when.replace('-', ' ')}"
    words = "; ".join(
        f"{row.label} {setting_text(value, row.unit, row.digits)}"
        for row, value in values
    )
    return observation(
        names,
        key,
        concept(f"settings-{when}", display),
        (display, words),
        **names.clock.during(during),
        component=[
            setting(row.symbol, row.label, row.unit, value) for row, value in values
        ],
    )


PERMANENT: Final = Section(name="permanent", build=permanent_part, fhir=_in_fhir)
