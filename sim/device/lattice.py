"""The values each programmable parameter may take, and the built-in limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final, Literal

from sim.sources import Source, Standing, sourced
from sim.units import H_PER_DAY, MIN_PER_H

Value = float | str
Mode = Literal["OOO", "ODO-LS-CCM", "OVO-LS-CCM"]
ModelName = Literal["CCM X11", "CCM X10"]

_V_SENSITIVITY_MV: Final = (
    *(0.3, 0.4, 0.5, 0.7, 1.0, 1.3, 1.7, 2.0),
    *(3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0),
)
_MIN_PER_DAY: Final = round(H_PER_DAY * MIN_PER_H)
_MINI: Final = "smart-mini-ifu"
_COUNTED: Final = ("", "beats", "days")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One programmable parameter: its manual name, unit, allowed values and source.

    `place` is the section of `ccmlab-device` and `standing` covers the whole row.
    """

    symbol: str
    label: str
    unit: str
    values: tuple[Value, ...]
    allowed: str
    place: str
    standing: Standing

    @property
    def source(self) -> Source:
        """Where the allowed values come from."""
        return Source("ccmlab-device", self.place, self.standing)

    def nearest(self, value: Value) -> Value | None:
        """Return the allowed value next to a number, the lower one of two."""
        if isinstance(value, str) or isinstance(self.values[0], str):
            return None
        numbers = [float(v) for v in self.values]
        return min(numbers, key=lambda v: (abs(v - value), v))


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """Limits of one pulse generator that are built in, not programmed.

    `magnet_off_h` is how long a magnet switches CCM off where it may be programmed not
    to do so for good; 0 in a model without that option. `sources` gives the source of
    limits that another model than the default one has.
    """

    name: ModelName = "CCM X11"
    amplitude_min_v: float = sourced(4.5, _MINI, "p 34", "measured")
    balancing_max_ms: float = sourced(100.0, _MINI, "p 34", "measured")
    noise_window_ms: float = sourced(86.0, _MINI, "pp 32, 35", "measured")
    ccm_after_v_min_ms: float = sourced(3.0, _MINI, "p 35", "measured")
    ovo_delay_max_ms: float = sourced(45.0, _MINI, "p 34", "measured")
    ovo_width_max_ms: float = sourced(30.0, _MINI, "p 33", "measured")
    ovo_sens_v_min_mv: float = sourced(1.0, _MINI, "p 30", "measured")
    magnet_beats: int = sourced(2, "smart-ifu-de", "p 32", "measured")
    magnet_off_h: float = sourced(24.0, "ccmlab-device", "1.1", "recalled")
    download_alert_days: float = sourced(200.0, "ccmlab-device", "1.5", "assumed")
    has_ls_sensitivity: bool = False
    balancing_always_counts: bool = True
    sources: Mapping[str, Source] = field(default_factory=dict, hash=False)


SMART_MINI: Final = DeviceModel()
SMART: Final = DeviceModel(
    name="CCM X10",
    amplitude_min_v=4.0,
    balancing_max_ms=40.0,
    magnet_off_h=0.0,
    has_ls_sensitivity=True,
    balancing_always_counts=False,
    sources=MappingProxyType(
        {
            "amplitude_min_v": Source("smart-manual-2017", "p 37", "measured"),
            "balancing_max_ms": Source("smart-ifu-de", "p 35", "measured"),
        }
    ),
)
MODELS: Final[Mapping[str, DeviceModel]] = MappingProxyType(
    {model.name: model for model in (SMART_MINI, SMART)}
)


def device_model(name: str) -> DeviceModel:
    """Return the built-in limits of a model; ValueError names the known ones."""
    if name not in MODELS:
        known = ", ".join(repr(n) for n in MODELS)
        raise ValueError(f"model must be one of {known}, got {name!r}")
    return MODELS[name]


def axis_values(
    name: str, *, mode: str | None = None, model: str = "CCM X11"
) -> tuple[Value, ...]:
    """Return every allowed value of one parameter, ascending.

    Parameters
    ----------
    name
        Symbol of the parameter; a ValueError offers the nearest one otherwise.
    mode
        When "OVO-LS-CCM", the tighter limits of that mode are applied too.
    model
        "CCM X11" (Smart Mini) or "CCM X10" (Smart).
    """
    values = parameters(model)[name].values
    if mode != "OVO-LS-CCM":
        return values
    low, high = _ovo_limits(name, device_model(model))
    return tuple(v for v in values if isinstance(v, str) or low <= v <= high)


@cache
def axis_numbers(
    name: str, *, mode: str | None = None, model: str = "CCM X11"
) -> tuple[float, ...]:
    """Return every allowed value of one numeric parameter, ascending, as floats."""
    return tuple(float(v) for v in axis_values(name, mode=mode, model=model))


def place_of(name: str, value: Value) -> float:
    """Return a value as a number on an axis: that of a menu is its place in it."""
    if not isinstance(value, str):
        return float(value)
    return float(parameters()[name].values.index(value))


def value_at(name: str, place: float) -> Value:
    """Return the value that stands at a number on an axis."""
    values = parameters()[name].values
    return values[round(place)] if isinstance(values[0], str) else place


def _ovo_limits(name: str, model: DeviceModel) -> tuple[float, float]:
    highest = {
        "delay_ms": model.ovo_delay_max_ms,
        "alert_width_ms": model.ovo_width_max_ms,
    }
    lowest = {
        "sens_v1_mv": model.ovo_sens_v_min_mv,
        "sens_v2_mv": model.ovo_sens_v_min_mv,
        "sens_ls_mv": model.ovo_sens_v_min_mv,
    }
    return lowest.get(name, float("-inf")), highest.get(name, float("inf"))


@cache
def parameters(model: str = "CCM X11") -> Mapping[str, Parameter]:
    """Return the table of programmable parameters of a model, by symbol."""
    limits = device_model(model)
    rows = (*_therapy_rows(limits), *_sensing_rows(), *_programme_rows())
    return MappingProxyType({row.symbol: row for row in rows})


def _therapy_rows(limits: DeviceModel) -> Iterable[Parameter]:
    modes = ("OOO", "ODO-LS-CCM", "OVO-LS-CCM")
    phases = (5.14, 5.63, 6.11, 6.60)
    # the Smart's manual prints ends and count; the Mini is taken to have the same
    old: Standing = "derived" if limits.name == "CCM X10" else "assumed"
    low_v = limits.amplitude_min_v
    yield _menu("mode", "Mode", modes, "1.1", "measured")
    yield _menu("ccm_mode", "CCM Mode", ("OFF", "TIMED"), "1.1", "measured")
    magnet: tuple[str, ...] = ("PERMANENT_OFF",)
    known: Standing = "measured"
    if limits.magnet_off_h > 0.0:
        magnet, known = (*magnet, "ONE_DAY_OFF"), "recalled"
    yield _menu("magnet_mode", "CCM magnet", magnet, "1.1", known)
    yield _menu("ls_channel", "LS assignment", ("V1", "V2"), "1.1", "measured")
    leads = ("V1", "V2", "V1+V2")
    yield _menu("ccm_channels", "CCM channels", leads, "1.1", "recalled")
    yield _steps("amplitude_v", "CCM Amplitude", "V", low_v, 7.5, 0.5, "1.2")
    yield _listed("phase_duration_ms", "Phase Duration", "ms", phases, "1.2", old)
    yield _steps("n_pulses", "Number of Biphasic Pulses", "", 1, 3, 1, "1.2")
    signs = ("POSITIVE", "NEGATIVE")
    yield _menu("phase1_polarity", "First Phase Polarity", signs, "1.2", "measured")
    longest = limits.balancing_max_ms
    yield _steps("balancing_ms", "Balancing", "ms", 40, longest, 10, "1.2")
    yield _steps("delay_ms", "CCM Train Delay", "ms", 3, 140, 1, "1.2")
    yield _steps("alert_start_ms", "LS Alert Start", "ms", -100, 100, 2, "1.3")
    yield _steps("alert_width_ms", "LS Alert Width", "ms", 1, 40, 1, "1.3")
    yield _steps("post_ls_refractory_ms", "Post LS Refractory", "ms", 15, 250, 5, "1.3")


def _sensing_rows() -> Iterable[Parameter]:
    old: Standing = "recalled"
    blanking = (
        ("ls_blank_pre_a_ms", "LS pre-atrial blanking", 0, 55, 5),
        ("ls_blank_post_a_ms", "LS post-atrial blanking", 5, 25, 5),
        ("ls_blank_pre_rv_ms", "LS pre-RV blanking", 0, 55, 5),
        ("ls_blank_post_rv_ms", "LS post-RV blanking", 0, 39, 1),
    )
    for symbol, label, low, high, step in blanking:
        yield _steps(symbol, label, "ms", low, high, step, "1.3", old)
    a_list, v_list = _V_SENSITIVITY_MV[:11], _V_SENSITIVITY_MV
    derived: Standing = "derived"
    yield _listed("sens_a_mv", "Atrial Sensitivity", "mV", a_list, "1.4", derived)
    yield _listed("sens_v1_mv", "V1 Sensitivity", "mV", v_list, "1.4", derived)
    yield _listed("sens_v2_mv", "V2 Sensitivity", "mV", v_list, "1.4", derived)
    yield _listed("sens_ls_mv", "LS Sensitivity (Smart)", "mV", v_list, "1.4", old)
    for symbol, chamber in (("pol_a", "A"), ("pol_v1", "V1"), ("pol_v2", "V2")):
        poles = ("BIPOLAR", "UNIPOLAR")
        yield _menu(symbol, f"Sensing Polarity {chamber}", poles, "1.4", "measured")
    # 18 and 49 evenly spaced values, shown by the programmer in whole ms
    refractory = tuple(float(round(148 + k * 304 / 17)) for k in range(18))
    av = tuple(float(round(23 + k * 374 / 48)) for k in range(49))
    atrial, ventricular = "Post-V Atrial Refractory", "Post-V Ventricular Refractory"
    yield _listed("pvarp_ms", atrial, "ms", refractory, "1.4", old)
    yield _listed("vrp_ms", ventricular, "ms", refractory, "1.4", old)
    yield _listed("av_short_ms", "Short AV limit", "ms", av, "1.4", derived)
    yield _listed("av_long_ms", "Long AV limit", "ms", av, "1.4", derived)
    at, vt = "Atrial Tachycardia Rate limit", "Ventricular Tachycardia Rate limit"
    yield _steps("at_rate_bpm", at, "1/min", 98, 146, 2, "1.4", old)
    yield _steps("vt_rate_bpm", vt, "1/min", 62, 110, 2, "1.4", derived)


def _programme_rows() -> Iterable[Parameter]:
    old: Standing = "recalled"
    causes = (
        ("short_av", "Short AV"),
        ("long_av", "Long AV"),
        ("pvc", "PVC"),
        ("at", "Atrial tachycardia"),
        ("ls_out", "LS out of alert"),
        ("noise", "A/V noise"),
        ("vt", "Ventricular tachycardia"),
    )
    for cause, label in causes:
        symbol, name = f"inhibit_cycles_{cause}", f"CCM Inhibit Cycles - {label}"
        yield _steps(symbol, name, "beats", 1, 16, 1, "1.4")
    yield _steps(
        "ccm_hours_per_day", "CCM therapy hours per day", "h", 1, 24, 1, "1.5", old
    )
    for symbol, label in (("ccm_on_min", "ON"), ("ccm_off_min", "OFF")):
        name, low = f"CCM {label} segment", 1 if label == "ON" else 0
        yield _steps(symbol, name, "min", low, _MIN_PER_DAY, 1, "1.5", "assumed")
    clock = tuple(f"{m // 60:02d}:{m % 60:02d}" for m in range(_MIN_PER_DAY))
    for symbol, label in (("ccm_start_time", "start"), ("ccm_end_time", "end")):
        name, allowed = f"CCM {label} time", "00:00 to 23:59"
        yield Parameter(symbol, name, "hh:mm", clock, allowed, "1.5", old)
    on_off = (False, True)
    yield _listed("extend_low_ccm", "Extend on low CCM%", "", on_off, "1.5", old)
    yield _steps("alert_min_ccm_pct", "Min CCM % alert", "%", 0, 100, 5, "1.5", old)
    label = "Max lead impedance change alert"
    yield _steps("alert_dz_pct", label, "%", 5, 100, 5, "1.5", old)
    label = "Battery recharge reminder"
    yield _steps("alert_recharge_days", label, "days", 1, 30, 1, "1.5", "assumed")


def _steps(
    symbol: str,
    label: str,
    unit: str,
    low: float,
    high: float,
    step: float,
    place: str,
    standing: Standing = "measured",
) -> Parameter:
    n_steps = round((high - low) / step)
    number = int if unit in _COUNTED else float
    values = tuple(number(low + k * step) for k in range(n_steps + 1))
    shown = f"{low:g} to {high:g} {unit}".rstrip() + f" in steps of {step:g}"
    return Parameter(symbol, label, unit, values, shown, place, standing)


def _listed(
    symbol: str,
    label: str,
    unit: str,
    values: tuple[float, ...],
    place: str,
    standing: Standing = "measured",
) -> Parameter:
    shown = ", ".join(f"{value:g}" for value in values) + f" {unit}".rstrip()
    return Parameter(symbol, label, unit, values, shown, place, standing)


def _menu(
    symbol: str, label: str, words: tuple[str, ...], place: str, standing: Standing
) -> Parameter:
    return Parameter(symbol, label, "", words, ", ".join(words), place, standing)


AXES: Final[Mapping[str, tuple[Value, ...]]] = MappingProxyType(
    {symbol: row.values for symbol, row in parameters().items()}
)
