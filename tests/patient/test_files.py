"""Patients in TOML: exact round trips, short files, and all faults at once."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sim.heart.equilibrium import settled
from sim.heart.train import Train
from sim.patient import (
    PHENOTYPES,
    PatientTableError,
    Phenotype,
    known_phenotypes,
    load_patient,
    patient_from_toml,
    patient_to_toml,
    personalize,
    phenotype,
)
from sim.patient.phenotypes import _entries, _plugged_in
from sim.sources import Source, references

NOMINAL = Train(7.5, delay_ms=32.0)


@pytest.mark.parametrize("name", PHENOTYPES)
def test_a_written_patient_reads_back_the_same(name: str) -> None:
    patient = phenotype(name)
    twin = patient_from_toml(patient_to_toml(patient))
    assert twin == patient
    assert twin.provenance() == patient.provenance()


def test_overridden_patients_read_back_the_same() -> None:
    override = {"g_two_leads": 0.12, "edv_ml": 260, "pvc_per_hour": 3.3}
    patient = personalize(phenotype("hfref-af"), override, "plateau")
    twin = patient_from_toml(patient_to_toml(patient))
    assert twin == patient
    assert twin.provenance() == patient.provenance()


def test_text_with_quotes_and_line_ends_survives() -> None:
    patient = replace(phenotype("normal"), name='A "quoted"\nname \\ \x7f é')
    assert patient_from_toml(patient_to_toml(patient)) == patient


def test_a_short_file_changes_what_it_states_and_nothing_else() -> None:
    base = phenotype("hfref-ischaemic")
    patient = patient_from_toml(
        'phenotype = "hfref-ischaemic"\nname = "Anna"\n[rhythm]\nsdnn_ms = 30\n'
    )
    changed = replace(base.rhythm, sdnn_ms=30.0)
    sources = {
        **base.sources,
        "rhythm.sdnn_ms": Source("patient-file", "stated by the user", "overridden"),
    }
    assert patient == replace(base, name="Anna", rhythm=changed, sources=sources)


def test_a_changed_circulation_moves_set_point_rates_and_baseline() -> None:
    patient = patient_from_toml(
        'phenotype = "hfref-ischaemic"\n[circulation]\nheart_rate_bpm = 80\n'
        "lv_elastance_mmhg_per_ml = 0.9\n[source]\n"
        'circulation.lv_elastance_mmhg_per_ml = "conductance catheter, 3 March"\n'
    )
    at_rest = settled(patient.heart)
    assert patient.rhythm.heart_rate_bpm == 80.0
    assert patient.contractility.reference_rate_bpm == 80.0
    assert at_rest.haemodynamics.map_mmhg == pytest.approx(
        patient.reflex.set_map_mmhg, abs=1e-6
    )
    assert patient.muscle.baseline_elastance_mmhg_per_ml == 0.9
    stated = patient.sources["circulation.lv_elastance_mmhg_per_ml"]
    assert stated.place == "conductance catheter, 3 March"
    assert patient.sources["rhythm.heart_rate_bpm"].reference == "patient-file"


def test_values_stated_beside_the_circulation_do_not_follow_it() -> None:
    patient = patient_from_toml(
        'phenotype = "hfref-ischaemic"\n[circulation]\nlv_elastance_mmhg_per_ml = 0.9\n'
        "[reflex]\nset_map_mmhg = 88\n"
        "[muscle]\nbaseline_elastance_mmhg_per_ml = 0.874\n"
    )
    assert patient.reflex.set_map_mmhg == 88.0
    assert patient.muscle.baseline_elastance_mmhg_per_ml == 0.874


def test_a_law_of_ones_own_stands_over_the_named_family() -> None:
    patient = patient_from_toml(
        'phenotype = "hfref-ischaemic"\nresponse = "sharp"\n'
        "[response_law]\nk = 2.5\nbest_delay_ms = 25\n"
    )
    law = patient.response
    assert (law.name, law.k, law.best_delay_ms) == ("sharp", 2.5, 25.0)
    assert law.early_width_ms == 10.0
    best = patient.gain(replace(NOMINAL, delay_ms=25.0))
    assert best > patient.gain(replace(NOMINAL, delay_ms=35.0))


def test_all_faults_of_a_file_come_in_one_message() -> None:
    text = """
    phenotype = "hfref-ischemic"
    nam = "Anna"
    response = "flat"
    [override]
    edv_ml = 2
    [circulation]
    heart_rate_bpm = 800
    lv_elastance_mmhg_per_ml = -0.9
    [response_law]
    k = "3"
    threshold_frac = 0.95
    family = "steep"
    [rhythm]
    sdnn_ms = nan
    [profile]
    nyha_class = 2.5
    medication = 3
    [source]
    response_law.k = { reference = "nobody", place = "x", standing = "fitted" }
    heart.k = "x"
    """
    with pytest.raises(PatientTableError) as caught:
        patient_from_toml(text, "anna.toml")
    message = str(caught.value)
    assert message.startswith("anna.toml: 14 faults\n")
    assert {fault.path for fault in caught.value.faults} == {
        "nam",
        "phenotype",
        "response",
        "override.edv_ml",
        "circulation.heart_rate_bpm",
        "circulation.lv_elastance_mmhg_per_ml",
        "response_law.k",
        "response_law.threshold_frac",
        "response_law.family",
        "rhythm.sdnn_ms",
        "profile.nyha_class",
        "profile.medication",
        "source.response_law.k",
        "source.heart",
    }
    assert "must be 35 to 150 1/min, got 800 1/min" in message
    assert "nearest is 'hfref-ischaemic'" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('phenotype = "normal', "not valid TOML"),
        ("", "phenotype: must be given"),
        ('phenotype = "normal"\ncirculation = 3', "circulation: must be a table"),
        (
            'phenotype = "normal"\nresponse = 3',
            "response: must be text in quotes, got 3",
        ),
        (
            'phenotype = "normal"\n[source]\nresponse_law.k = "x"',
            "has no value; state response_law.k too",
        ),
        (
            'phenotype = "normal"\n[circulation]\nheart_rate_bpm = 60\n'
            "[rhythm]\nheart_rate_bpm = 70",
            "must equal circulation.heart_rate_bpm, 60 1/min, got 70 1/min",
        ),
        (
            'phenotype = "normal"\n[profile]\naetiology = "ischaemic heart"',
            "must be one of ischaemic, non-ischaemic, none",
        ),
    ],
)
def test_one_fault_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(PatientTableError, match=told) as caught:
        patient_from_toml(text, "p.toml")
    assert "\n" not in str(caught.value)


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "pat.toml"
    path.write_text(patient_to_toml(phenotype("hfref-af")), encoding="utf-8")
    assert load_patient(path) == phenotype("hfref-af")


def test_the_reference_of_stated_values_exists() -> None:
    assert "patient-file" in references()


def forget() -> None:
    for kept in (_entries, _plugged_in, phenotype):
        kept.cache_clear()


def plugged(monkeypatch: pytest.MonkeyPatch, entry: EntryPoint) -> None:
    forget()
    monkeypatch.setattr("sim.patient.phenotypes.entry_points", lambda group: [entry])


def test_an_installed_phenotype_is_found_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "small"\nphenotype = "normal"\noverride.edv_ml = 100\n')
    module = tmp_path / "somebodys_hearts.py"
    module.write_text(f"SMALL = {str(path)!r}\nNUMBER = 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    group = "ccmlab.phenotypes"
    plugged(monkeypatch, EntryPoint("small-heart", "somebodys_hearts:SMALL", group))
    assert known_phenotypes()["small-heart"].title == "small"
    assert isinstance(known_phenotypes()["small-heart"], Phenotype)
    patient = phenotype("small-heart")
    assert patient.name == patient.phenotype == "small-heart"
    beat = settled(patient.heart).haemodynamics
    # the solver refuses more than 1e-4 relative
    assert beat.edv_ml == pytest.approx(100.0, rel=2e-4)
    assert patient_from_toml(patient_to_toml(patient)) == patient
    plugged(monkeypatch, EntryPoint("three", "somebodys_hearts:NUMBER", group))
    with pytest.raises(ValueError, match=r"three of ccmlab.phenotypes must be .* int"):
        known_phenotypes()
    forget()
