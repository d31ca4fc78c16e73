"""The programmable values of the device and the rules the programmer holds them to."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Final, Literal

from sim.carried import Carried
from sim.device.lattice import (
    AXES,
    DeviceModel,
    Mode,
    Parameter,
    Value,
    axis_numbers,
    axis_values,
    device_model,
    parameters,
)
from sim.sources import sourced
from sim.units import H_PER_DAY, MA_PER_A, MIN_PER_H, S_PER_MS, UC_PER_C

__all__ = [
    "AXES",
    "COUPLED",
    "Conflict",
    "ConflictError",
    "Settings",
    "axis_numbers",
    "axis_values",
    "refractory_needed_ms",
    "with_dependents",
    "with_hours_per_day",
]

Channel = Literal["V1", "V2"]
Channels = Literal["V1", "V2", "V1+V2"]
Polarity = Literal["BIPOLAR", "UNIPOLAR"]
_D: Final = "ccmlab-device"
_REFRACTORIES: Final = ("pvarp_ms", "vrp_ms")
COUPLED: Final = frozenset(
    {
        *("mode", "ls_channel", "ccm_channels"),
        *("phase_duration_ms", "n_pulses", "balancing_ms", "delay_ms"),
        *("alert_start_ms", "alert_width_ms", "post_ls_refractory_ms"),
        *("sens_v1_mv", "sens_v2_mv", "sens_ls_mv", *_REFRACTORIES),
        *("av_short_ms", "av_long_ms"),
    }
)
"""Parameters on which some rule of `Settings.conflicts` or a dependent value hangs."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings that cannot stand together, and why, in words with the numbers."""

    names: tuple[str, ...]
    reason: str


class ConflictError(Carried, ValueError):
    """Settings were refused; `conflicts` holds every reason."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__("; ".join(conflict.reason for conflict in conflicts))
        self.conflicts = conflicts


class _ToldOnce:
    """Has room for all values and their hash, which are no field of their own.

    Every cache that a visit has asks for them; neither a copy nor a pickle has them.
    """

    __slots__ = ("_told",)
    _told: tuple[int, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Settings(_ToldOnce):
    """Everything a clinician can program, named as in the parameter table.

    Values are not checked when the object is made: a programmer must be able to show
    a pending set that conflicts. `conflicts` and `off_lattice` say what is wrong, and
    the pulse generator refuses such a set.

    >>> Settings(delay_ms=60.0).conflicts()[0].names
    ('delay_ms', 'mode')
    """

    mode: Mode = sourced("OVO-LS-CCM", _D, "parameters: mode", "assumed")
    ccm_mode: Literal["OFF", "TIMED"] = sourced("TIMED", _D, "1.1", "assumed")
    magnet_mode: Literal["PERMANENT_OFF", "ONE_DAY_OFF"] = sourced(
        "PERMANENT_OFF", "smart-ifu-de", "p 32", "measured"
    )
    ls_channel: Channel = sourced("V2", _D, "1.1", "assumed")
    ccm_channels: Channels = sourced("V1+V2", _D, "1.1", "assumed")

    amplitude_v: float = sourced(7.5, _D, "1.2", "recalled")
    phase_duration_ms: float = sourced(5.14, _D, "1.2", "recalled")
    n_pulses: int = sourced(2, _D, "1.2", "recalled")
    phase1_polarity: Literal["POSITIVE", "NEGATIVE"] = sourced(
        "POSITIVE", _D, "1.2", "recalled"
    )
    balancing_ms: float = sourced(40.0, _D, "1.2", "derived")
    delay_ms: float = sourced(35.0, _D, "1.2", "recalled")

    alert_start_ms: float = sourced(0.0, _D, "1.3", "assumed")
    alert_width_ms: float = sourced(20.0, _D, "1.3", "assumed")
    post_ls_refractory_ms: float = sourced(20.0, _D, "1.3", "assumed")
    ls_blank_pre_a_ms: float = sourced(0.0, _D, "1.3", "recalled")
    ls_blank_post_a_ms: float = sourced(20.0, _D, "1.3", "recalled")
    ls_blank_pre_rv_ms: float = sourced(0.0, _D, "1.3", "recalled")
    ls_blank_post_rv_ms: float = sourced(0.0, _D, "1.3", "recalled")

    sens_a_mv: float = sourced(1.3, _D, "1.4", "assumed")
    sens_v1_mv: float = sourced(2.0, _D, "1.4", "assumed")
    sens_v2_mv: float = sourced(2.0, _D, "1.4", "assumed")
    sens_ls_mv: float = sourced(2.0, _D, "1.4", "assumed")
    pol_a: Polarity = sourced("BIPOLAR", _D, "1.4", "assumed")
    pol_v1: Polarity = sourced("BIPOLAR", _D, "1.4", "assumed")
    pol_v2: Polarity = sourced("BIPOLAR", _D, "1.4", "assumed")
    # the recalled default, 250 ms, is not one of the 18 values: next one up
    pvarp_ms: float = sourced(255.0, _D, "1.4", "assumed")
    vrp_ms: float = sourced(255.0, _D, "1.4", "assumed")
    av_short_ms: float = sourced(70.0, _D, "1.4", "recalled")
    av_long_ms: float = sourced(397.0, _D, "1.4", "recalled")
    at_rate_bpm: float = sourced(110.0, _D, "1.4", "recalled")
    vt_rate_bpm: float = sourced(110.0, _D, "1.4", "assumed")

    inhibit_cycles_short_av: int = sourced(1, _D, "1.4", "assumed")
    inhibit_cycles_long_av: int = sourced(1, _D, "1.4", "assumed")
    inhibit_cycles_pvc: int = sourced(2, _D, "1.4", "assumed")
    inhibit_cycles_at: int = sourced(1, _D, "1.4", "assumed")
    inhibit_cycles_ls_out: int = sourced(1, _D, "1.4", "assumed")
    inhibit_cycles_noise: int = sourced(1, _D, "1.4", "assumed")
    inhibit_cycles_vt: int = sourced(1, _D, "1.4", "assumed")

    ccm_hours_per_day: float = sourced(5.0, "smart-mini-ifu", "p 57", "measured")
    ccm_on_min: float = sourced(60.0, "smart-manual-2017", "p 37", "measured")
    ccm_off_min: float = sourced(228.0, "smart-manual-2017", "p 37", "measured")
    ccm_start_time: str = sourced("00:00", _D, "1.5", "recalled")
    ccm_end_time: str = sourced("23:59", _D, "1.5", "recalled")
    extend_low_ccm: bool = sourced(False, _D, "1.5", "recalled")
    alert_min_ccm_pct: float = sourced(75.0, _D, "1.5", "recalled")
    alert_dz_pct: float = sourced(30.0, _D, "1.5", "recalled")
    alert_recharge_days: int = sourced(10, _D, "1.5", "recalled")

    def __hash__(self) -> int:
        return _told_of(self)[0]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Settings):
            return NotImplemented
        return _told_of(self) == _told_of(other)

    @property
    def delivers(self) -> bool:
        """Whether these settings give CCM at all: neither standby nor CCM Off."""
        return self.mode != "OOO" and self.ccm_mode != "OFF"

    @property
    def train_ms(self) -> float:
        """Duration of one train: two phases for each biphasic pulse, no gap."""
        return 2 * self.n_pulses * self.phase_duration_ms

    @property
    def n_leads(self) -> int:
        """Number of leads that deliver."""
        return len(self.delivering)

    @property
    def delivering(self) -> tuple[str, ...]:
        """Leads that deliver, of "V1" and "V2"."""
        return tuple(self.ccm_channels.split("+"))

    @property
    def reference_channel(self) -> Channel:
        """The ventricular lead that is not local sense."""
        return "V1" if self.ls_channel == "V2" else "V2"

    def current_ma(self, impedance_ohm: float) -> float:
        """Return the current at the start of a pulse by Ohm's law."""
        return self.amplitude_v / impedance_ohm * MA_PER_A

    def charge_uc_per_phase(self, impedance_ohm: float) -> float:
        """Return the charge of one phase on one lead, for a rectangular pulse."""
        phase_s = self.phase_duration_ms * S_PER_MS
        return self.amplitude_v / impedance_ohm * phase_s * UC_PER_C

    def changed(self, other: "Settings") -> tuple[tuple[str, Value, Value], ...]:
        """List `(name, value here, value in other)` wherever the two differ."""
        here, there = _told_of(self)[1], _told_of(other)[1]
        if here == there:
            return ()
        pairs = zip(_NAMES, here, there, strict=True)
        return tuple(pair for pair in pairs if pair[1] != pair[2])

    def with_values(self, values: Mapping[str, Any]) -> "Settings":
        """Return a copy with some values changed; a ValueError offers near names.

        A whole number becomes a float where the parameter is one, so that settings
        read from a file and settings made in code are written alike.
        """
        for name in values:
            check_name(name)
        return replace(self, **{n: _typed(n, value) for n, value in values.items()})

    def off_lattice(self, model: str = "CCM X11") -> tuple[Conflict, ...]:
        """List the values that this model cannot take, with what it can."""
        return _values_refused(self, model)

    def conflicts(self, model: str = "CCM X11") -> tuple[Conflict, ...]:
        """List every broken rule that couples parameters, in the order of the rules.

        Parameters
        ----------
        model
            "CCM X11" (Smart Mini) or "CCM X10" (Smart). The Smart counts balancing
            only when the ventricular reference lead delivers too.
        """
        return _rules_broken(self, model)


@lru_cache(maxsize=4096)
def _values_refused(settings: Settings, model: str) -> tuple[Conflict, ...]:
    wrong = [n for n, ok in _allowed(model) if getattr(settings, n) not in ok]
    table = parameters(model)
    return tuple(_off_lattice(table[n], getattr(settings, n)) for n in wrong)


# a visit programs few settings, each many times; the lattice asks each once
@lru_cache(maxsize=4096)
def _rules_broken(settings: Settings, model: str) -> tuple[Conflict, ...]:
    limits = device_model(model)
    return (
        *_av_order(settings),
        *_refractory_too_short(settings, limits),
        *_train_before_v(settings, limits),
        *_post_ls_too_long(settings),
        *_ovo_caps(settings, limits),
    )


_NAMES: Final = tuple(item.name for item in fields(Settings))
_values_of: Final = attrgetter(*_NAMES)
_FLOATS: Final = frozenset(n for n in _NAMES if isinstance(AXES[n][0], float))


def _told_of(settings: Settings) -> tuple[int, tuple[Value, ...]]:
    """Return the hash of all values, and these."""
    try:
        return settings._told
    except AttributeError:
        values = _values_of(settings)
        told = hash(values), values
        object.__setattr__(settings, "_told", told)
        return told


def check_name(name: str) -> None:
    """Raise ValueError, offering the nearest one, for a name no setting has."""
    if name in AXES:
        return
    near = get_close_matches(name, _NAMES, n=1)
    hint = f"; nearest is {near[0]!r}" if near else ""
    raise ValueError(f"no setting is called {name!r}{hint}")


def refractory_needed_ms(settings: Settings, model: str = "CCM X11") -> float:
    """Return what both post-ventricular refractory periods must exceed (rule 2)."""
    return _busy_ms(settings, device_model(model)) + device_model(model).noise_window_ms


def with_dependents(settings: Settings, model: str = "CCM X11") -> Settings:
    """Return the settings with the dependent parameters moved to hold rules 2 and 4.

    Refractory periods are raised, never lowered, to the first allowed value that is
    long enough; the post-LS refractory is lowered to the last one that fits. What no
    allowed value can hold is left as it is, so that `conflicts` tells.
    """
    needed_ms = refractory_needed_ms(settings, model)
    solved: dict[str, Any] = {}
    for name in _REFRACTORIES:
        longer = [v for v in axis_numbers(name, model=model) if v > needed_ms]
        if getattr(settings, name) <= needed_ms and longer:
            solved[name] = longer[0]
    if settings.post_ls_refractory_ms > settings.delay_ms:
        masks = axis_numbers("post_ls_refractory_ms", model=model)
        shorter = [v for v in masks if v <= settings.delay_ms]
        if shorter:
            solved["post_ls_refractory_ms"] = shorter[-1]
    return replace(settings, **solved) if solved else settings


def with_hours_per_day(settings: Settings, hours_per_day: float) -> Settings:
    """Return the settings with OFF segments that spread the hours over the day.

    Raises
    ------
    ValueError
        When the hours are not whole hours from 1 to 24.
    """
    if hours_per_day not in AXES["ccm_hours_per_day"]:
        allowed = parameters()["ccm_hours_per_day"].allowed
        raise ValueError(
            f"ccm_hours_per_day must be {allowed}, got {hours_per_day:g} h"
        )
    on_min = hours_per_day * MIN_PER_H
    n_segments = max(1.0, on_min / settings.ccm_on_min)
    off_min = (H_PER_DAY * MIN_PER_H - on_min) / n_segments
    return replace(
        settings, ccm_hours_per_day=hours_per_day, ccm_off_min=float(int(off_min))
    )


def _typed(name: str, value: Any) -> Any:
    return float(value) if name in _FLOATS and isinstance(value, int) else value


@cache
def _allowed(model: str) -> tuple[tuple[str, frozenset[Value]], ...]:
    table = parameters(model)
    return tuple((name, frozenset(table[name].values)) for name in _NAMES)


def _busy_ms(settings: Settings, limits: DeviceModel) -> float:
    """From the V event to the latest possible end of balancing."""
    window_end_ms = settings.alert_start_ms + settings.alert_width_ms
    busy_ms = window_end_ms + settings.delay_ms + settings.train_ms
    if _balancing_counts(settings, limits):
        busy_ms += settings.balancing_ms
    return busy_ms


def _balancing_counts(settings: Settings, limits: DeviceModel) -> bool:
    if limits.balancing_always_counts:
        return True
    return settings.reference_channel in settings.delivering


def _off_lattice(row: Parameter, value: Value) -> Conflict:
    shown = repr(value) if isinstance(value, str) else f"{value:g} {row.unit}".rstrip()
    reason = f"{row.symbol} must be {row.allowed}, got {shown}"
    near = row.nearest(value)
    if near is not None:
        reason += f"; nearest is {near:g}"
    return Conflict((row.symbol,), reason)


def _av_order(settings: Settings) -> tuple[Conflict, ...]:
    short_ms, long_ms = settings.av_short_ms, settings.av_long_ms
    if long_ms > short_ms:
        return ()
    reason = (
        f"av_long_ms must exceed av_short_ms: {long_ms:g} ms is not above "
        f"{short_ms:g} ms"
    )
    return (Conflict(("av_long_ms", "av_short_ms"), reason),)


def _refractory_too_short(
    settings: Settings, limits: DeviceModel
) -> tuple[Conflict, ...]:
    busy_ms, noise_ms = _busy_ms(settings, limits), limits.noise_window_ms
    shortest_ms = min(settings.pvarp_ms, settings.vrp_ms)
    if busy_ms < shortest_ms - noise_ms:
        return ()
    counted = _balancing_counts(settings, limits)
    balancing = f" + balancing {settings.balancing_ms:g}" if counted else ""
    short = [n for n in _REFRACTORIES if getattr(settings, n) - noise_ms <= busy_ms]
    which = " and ".join(f"{n} {getattr(settings, n):g} ms" for n in short)
    reason = (
        f"alert start {settings.alert_start_ms:g} + width {settings.alert_width_ms:g} "
        f"+ delay {settings.delay_ms:g} + train {settings.train_ms:.4g}{balancing} = "
        f"{busy_ms:.4g} ms does not fit into {which} less the {noise_ms:g} ms noise "
        f"window: more than {busy_ms + noise_ms:.4g} ms is needed"
    )
    timing = ("alert_start_ms", "alert_width_ms", "delay_ms", "phase_duration_ms")
    tail = ("n_pulses", "balancing_ms") if counted else ("n_pulses",)
    return (Conflict((*timing, *tail, *short), reason),)


def _train_before_v(settings: Settings, limits: DeviceModel) -> tuple[Conflict, ...]:
    earliest_ms = settings.alert_start_ms + settings.delay_ms
    if earliest_ms >= limits.ccm_after_v_min_ms:
        return ()
    reason = (
        f"alert start {settings.alert_start_ms:g} + delay {settings.delay_ms:g} = "
        f"{earliest_ms:g} ms, but the train may start no earlier than "
        f"{limits.ccm_after_v_min_ms:g} ms after the ventricular event"
    )
    return (Conflict(("alert_start_ms", "delay_ms"), reason),)


def _post_ls_too_long(settings: Settings) -> tuple[Conflict, ...]:
    post_ms, delay_ms = settings.post_ls_refractory_ms, settings.delay_ms
    if post_ms <= delay_ms:
        return ()
    reason = (
        f"post_ls_refractory_ms {post_ms:g} ms must not exceed delay_ms {delay_ms:g} ms"
    )
    return (Conflict(("post_ls_refractory_ms", "delay_ms"), reason),)


def _ovo_caps(settings: Settings, limits: DeviceModel) -> tuple[Conflict, ...]:
    if settings.mode != "OVO-LS-CCM":
        return ()
    sensed = ["sens_v1_mv", "sens_v2_mv"]
    if limits.has_ls_sensitivity:
        sensed.append("sens_ls_mv")
    caps = (
        ("delay_ms", limits.ovo_delay_max_ms),
        ("alert_width_ms", limits.ovo_width_max_ms),
    )
    too_high = [(n, top) for n, top in caps if getattr(settings, n) > top]
    low_mv = limits.ovo_sens_v_min_mv
    too_low = [n for n in sensed if getattr(settings, n) < low_mv]
    return (
        *(
            _capped(n, "at most", top, getattr(settings, n), "ms")
            for n, top in too_high
        ),
        *(_capped(n, "at least", low_mv, getattr(settings, n), "mV") for n in too_low),
    )


def _capped(name: str, side: str, limit: float, value: float, unit: str) -> Conflict:
    reason = (
        f"{name} must be {side} {limit:g} {unit} in OVO-LS-CCM, got {value:g} {unit}"
    )
    return Conflict((name, "mode"), reason)
