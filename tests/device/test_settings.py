import copy
import itertools
import pickle
from dataclasses import astuple, replace

import pytest

from sim.device.lattice import parameters
from sim.device.settings import (
    AXES,
    COUPLED,
    Settings,
    axis_values,
    refractory_needed_ms,
    with_dependents,
    with_hours_per_day,
)
from sim.sources import references, unsourced


@pytest.mark.parametrize("mode", ["OOO", "ODO-LS-CCM", "OVO-LS-CCM"])
@pytest.mark.parametrize("model", ["CCM X11", "CCM X10"])
def test_defaults_can_be_programmed(mode: str, model: str) -> None:
    settings = Settings().with_values({"mode": mode})
    assert settings.off_lattice(model) + settings.conflicts(model) == ()


def test_equal_settings_have_one_hash_which_no_copy_carries() -> None:
    settings = Settings(delay_ms=40.0)
    hashed = hash(settings)
    for twin in (
        Settings(delay_ms=40.0),
        replace(Settings(), delay_ms=40.0),
        pickle.loads(pickle.dumps(settings)),
        copy.deepcopy(settings),
    ):
        assert (twin, hash(twin)) == (settings, hashed)
    assert hashed == hash(astuple(settings))
    changed = replace(settings, delay_ms=35.0)
    assert (changed == settings, hash(changed) == hashed) == (False, False)
    # a hash is another in each process: bytes that travel must not have it
    assert pickle.dumps(settings) == pickle.dumps(Settings(delay_ms=40.0))
    assert settings != "settings"


def test_every_default_carries_a_source_that_exists() -> None:
    assert unsourced(Settings()) == []
    assert "ccmlab-device" in references()


def test_every_setting_has_an_axis_and_its_default_is_on_it() -> None:
    values = {name: getattr(Settings(), name) for name in Settings.__slots__}
    assert {name: values[name] in AXES[name] for name in values} == dict.fromkeys(
        AXES, True
    )


# ends, step (or number of values) as in the manual pages
@pytest.mark.parametrize(
    ("name", "low", "high", "n_values"),
    [
        ("amplitude_v", 4.5, 7.5, 7),
        ("phase_duration_ms", 5.14, 6.60, 4),
        ("n_pulses", 1, 3, 3),
        ("balancing_ms", 40, 100, 7),
        ("delay_ms", 3, 140, 138),
        ("alert_start_ms", -100, 100, 101),
        ("alert_width_ms", 1, 40, 40),
        ("post_ls_refractory_ms", 15, 250, 48),
        ("sens_a_mv", 0.3, 5, 11),
        ("sens_v1_mv", 0.3, 10, 16),
        ("sens_v2_mv", 0.3, 10, 16),
        ("pvarp_ms", 148, 452, 18),
        ("vrp_ms", 148, 452, 18),
        ("av_short_ms", 23, 397, 49),
        ("av_long_ms", 23, 397, 49),
        ("at_rate_bpm", 98, 146, 25),
        ("vt_rate_bpm", 62, 110, 25),
        ("inhibit_cycles_pvc", 1, 16, 16),
    ],
)
def test_axis_has_the_ends_and_count_of_the_manual(
    name: str, low: float, high: float, n_values: int
) -> None:
    values = axis_values(name)
    assert (values[0], values[-1], len(values)) == (low, high, n_values)
    assert list(values) == sorted(set(values))


def test_phase_durations_are_the_four_of_the_device() -> None:
    assert AXES["phase_duration_ms"] == (5.14, 5.63, 6.11, 6.60)


@pytest.mark.parametrize(
    ("names", "n_menu", "n_sets"),
    [
        # 7 x 4 x 43 in the menu; 31 delays, 15 to 45 ms, are left by rule 4
        (("amplitude_v", "phase_duration_ms", "delay_ms"), 1204, 868),
        (("amplitude_v", "phase_duration_ms", "n_pulses", "delay_ms"), 3612, 2604),
    ],
)
def test_programmable_sets_in_ovo_are_as_many_as_documented(
    names: tuple[str, ...], n_menu: int, n_sets: int
) -> None:
    axes = [axis_values(name, mode="OVO-LS-CCM") for name in names]
    sets = [dict(zip(names, row, strict=True)) for row in itertools.product(*axes)]
    settings = [with_dependents(Settings().with_values(values)) for values in sets]
    assert len(sets) == n_menu
    assert sum(not one.conflicts() for one in settings) == n_sets


def test_a_delay_below_the_shortest_post_ls_refractory_is_refused() -> None:
    (found,) = with_dependents(Settings(delay_ms=14.0)).conflicts()
    assert found.names == ("post_ls_refractory_ms", "delay_ms")
    assert with_dependents(Settings(delay_ms=15.0)).conflicts() == ()


def test_phase_durations_of_the_newer_model_are_marked_as_assumed() -> None:
    standings = [
        parameters(model)["phase_duration_ms"].standing
        for model in ("CCM X10", "CCM X11")
    ]
    assert standings == ["derived", "assumed"]


def test_the_smart_goes_down_to_4_volts_and_has_fixed_balancing() -> None:
    assert axis_values("amplitude_v", model="CCM X10")[0] == 4.0
    assert axis_values("balancing_ms", model="CCM X10") == (40,)
    assert Settings(amplitude_v=4.0).off_lattice("CCM X10") == ()
    assert Settings(amplitude_v=4.0).off_lattice("CCM X11")[0].names == ("amplitude_v",)


def test_a_value_between_two_steps_is_told_with_the_nearest() -> None:
    (found,) = Settings(amplitude_v=7.2).off_lattice()
    assert found.reason == (
        "amplitude_v must be 4.5 to 7.5 V in steps of 0.5, got 7.2 V; nearest is 7"
    )


def test_a_misspelt_setting_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="nearest is 'delay_ms'"):
        Settings().with_values({"delay_m": 20})


def test_whole_numbers_from_a_file_become_what_the_parameter_is() -> None:
    settings = Settings().with_values({"delay_ms": 10, "n_pulses": 3})
    assert repr((settings.delay_ms, settings.n_pulses)) == "(10.0, 3)"
    kinds = {name: type(getattr(Settings(), name)) for name in AXES}
    assert kinds == {name: type(values[0]) for name, values in AXES.items()}


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="CCM X10"):
        Settings().conflicts("CCM X9")


def test_long_av_limit_must_exceed_the_short_one() -> None:
    (found,) = Settings(av_short_ms=397.0).conflicts()
    assert found.names == ("av_long_ms", "av_short_ms")
    assert "397 ms is not above 397 ms" in found.reason


def test_example_of_the_documents_needs_a_refractory_above_201_6_ms() -> None:
    assert refractory_needed_ms(Settings()) == pytest.approx(201.56, abs=1e-9)
    assert Settings(vrp_ms=202.0).conflicts() == ()
    (found,) = Settings(vrp_ms=184.0).conflicts()
    assert "vrp_ms" in found.names
    assert "pvarp_ms" not in found.names
    assert "115.6 ms" in found.reason


def test_largest_delay_at_a_refractory_of_250_ms_is_83_ms() -> None:
    timing = Settings(mode="ODO-LS-CCM", pvarp_ms=250.0, vrp_ms=250.0)
    assert timing.with_values({"delay_ms": 83}).conflicts() == ()
    (found,) = timing.with_values({"delay_ms": 84}).conflicts()
    assert {"delay_ms", "vrp_ms", "pvarp_ms"} <= set(found.names)


def test_the_shorter_refractory_decides_alone() -> None:
    short = Settings(pvarp_ms=166.0, vrp_ms=452.0)
    (found,) = short.conflicts()
    assert "pvarp_ms" in found.names
    assert "vrp_ms" not in found.names


def test_a_refractory_exactly_as_long_as_needed_is_too_short() -> None:
    needed_ms = refractory_needed_ms(Settings())
    settings = Settings(vrp_ms=needed_ms)
    assert len(settings.conflicts()) == 1


def test_smart_counts_balancing_only_if_the_reference_lead_delivers() -> None:
    # 0 + 20 + 35 + 20.56 + 86 = 161.56 ms without, 201.56 ms with balancing
    local_only = Settings(ccm_channels="V2", ls_channel="V2", pvarp_ms=184.0)
    both = Settings(ccm_channels="V1+V2", ls_channel="V2", pvarp_ms=184.0)
    assert local_only.conflicts("CCM X10") == ()
    assert len(both.conflicts("CCM X10")) == 1
    assert len(local_only.conflicts("CCM X11")) == 1


def test_train_may_not_start_before_3_ms_after_the_ventricular_event() -> None:
    allowed = Settings(alert_start_ms=-32.0)
    refused = Settings(alert_start_ms=-34.0)
    assert allowed.conflicts() == ()
    (found,) = refused.conflicts()
    assert found.names == ("alert_start_ms", "delay_ms")
    assert "= 1 ms" in found.reason


def test_post_ls_refractory_may_equal_but_not_exceed_the_delay() -> None:
    assert Settings(post_ls_refractory_ms=35.0).conflicts() == ()
    (found,) = Settings(post_ls_refractory_ms=40.0).conflicts()
    assert found.names == ("post_ls_refractory_ms", "delay_ms")


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("delay_ms", 45.0, 46.0),
        ("alert_width_ms", 30.0, 31.0),
        ("sens_v1_mv", 1.0, 0.7),
        ("sens_v2_mv", 1.0, 0.7),
    ],
)
def test_ovo_is_tighter_than_odo(name: str, allowed: float, refused: float) -> None:
    too_far = Settings().with_values({name: refused})
    assert Settings().with_values({name: allowed}).conflicts() == ()
    assert too_far.conflicts()[0].names == (name, "mode")
    assert too_far.with_values({"mode": "ODO-LS-CCM"}).conflicts() == ()
    assert refused not in axis_values(name, mode="OVO-LS-CCM")


def test_ls_sensitivity_has_an_ovo_floor_in_the_smart_only() -> None:
    settings = Settings(sens_ls_mv=0.7)
    assert settings.conflicts("CCM X11") == ()
    assert settings.conflicts("CCM X10")[0].names == ("sens_ls_mv", "mode")


def _longest_train(mode: str, delay_ms: float, width_ms: float) -> Settings:
    extreme = {
        "mode": mode,
        "delay_ms": delay_ms,
        "alert_width_ms": width_ms,
        "alert_start_ms": 100,
        "balancing_ms": 100,
        "n_pulses": 3,
        "phase_duration_ms": 6.6,
    }
    return Settings().with_values(extreme)


def test_ovo_extreme_fits_and_odo_extreme_cannot() -> None:
    ovo = _longest_train("OVO-LS-CCM", 45, 30)
    odo = _longest_train("ODO-LS-CCM", 140, 40)
    assert refractory_needed_ms(ovo) == pytest.approx(400.6)
    assert refractory_needed_ms(odo) == pytest.approx(505.6)
    assert with_dependents(ovo).conflicts() == ()
    assert with_dependents(odo) == odo
    assert len(odo.conflicts()) == 1


def test_solver_moves_only_dependents_and_stays_on_the_lattice() -> None:
    asked = Settings(mode="ODO-LS-CCM", delay_ms=120.0, n_pulses=3)
    solved = with_dependents(asked)
    changed = {name for name, _, _ in asked.changed(solved)}
    assert solved.conflicts() == solved.off_lattice() == ()
    assert changed == {"vrp_ms", "pvarp_ms"}
    # the first value above 0 + 20 + 120 + 30.84 + 40 + 86 = 296.84 ms
    assert solved.vrp_ms == 309.0


def test_solver_lowers_the_post_ls_refractory_to_the_delay() -> None:
    assert with_dependents(Settings(delay_ms=17.0)).post_ls_refractory_ms == 15.0
    assert with_dependents(Settings(delay_ms=20.0)) == Settings(delay_ms=20.0)


def test_no_post_ls_refractory_fits_a_delay_below_15_ms() -> None:
    too_short = with_dependents(Settings(delay_ms=14.0))
    assert too_short == Settings(delay_ms=14.0)
    assert too_short.conflicts()[0].names == ("post_ls_refractory_ms", "delay_ms")


def test_changed_lists_name_old_and_new_value() -> None:
    pending = Settings(amplitude_v=5.0, n_pulses=3)
    assert Settings().changed(pending) == (
        ("amplitude_v", 7.5, 5.0),
        ("n_pulses", 2, 3),
    )
    assert Settings().changed(Settings()) == ()


# 2 n t: shortest, typical and longest train of the documents
@pytest.mark.parametrize(
    ("n_pulses", "phase_ms", "train_ms"),
    [(1, 5.14, 10.28), (2, 5.14, 20.56), (3, 6.60, 39.6)],
)
def test_train_lasts_two_phases_for_each_pulse(
    n_pulses: int, phase_ms: float, train_ms: float
) -> None:
    settings = Settings(n_pulses=n_pulses, phase_duration_ms=phase_ms)
    assert settings.train_ms == pytest.approx(train_ms)


def test_current_and_charge_follow_ohms_law() -> None:
    settings = Settings()
    # tolerances: the documents print three figures
    assert settings.current_ma(550.0) == pytest.approx(13.6, abs=0.05)
    assert settings.charge_uc_per_phase(550.0) == pytest.approx(70.0, abs=0.5)
    assert settings.current_ma(400.0) == pytest.approx(18.75)
    assert settings.charge_uc_per_phase(400.0) == pytest.approx(96.0, abs=0.5)


@pytest.mark.parametrize(("hours", "off_min"), [(5, 228), (12, 60), (24, 0)])
def test_hours_per_day_set_the_off_segment(hours: int, off_min: float) -> None:
    assert with_hours_per_day(Settings(), hours).ccm_off_min == off_min
    with pytest.raises(ValueError, match="got 25 h"):
        with_hours_per_day(Settings(), 25)


@pytest.mark.parametrize("model", ["CCM X11", "CCM X10"])
@pytest.mark.parametrize("name", sorted(set(AXES) - COUPLED))
def test_no_rule_hangs_on_a_parameter_that_is_not_coupled(
    name: str, model: str
) -> None:
    in_conflict = {"delay_ms": 60.0, "pvarp_ms": 145.0, "av_long_ms": 70.0}
    for base in (Settings(), Settings(ls_channel="V1", **in_conflict)):
        solved = with_dependents(base, model).changed(base)
        for value in axis_values(name, model=model):
            other = base.with_values({name: value})
            assert other.conflicts(model) == base.conflicts(model)
            assert with_dependents(other, model).changed(other) == solved
