"""Laws by name, and somebody's own: in a file, in a table, from a package."""

import pickle
import re
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import duckdb
import numpy as np
import pytest

from harness.play.scenario import load_scenario
from sim.heart.train import Train
from sim.law import code
from sim.law.conformance import law_faults
from sim.law.own import in_this_process, run_in
from sim.law.registry import (
    MIXTURE,
    SHIPPED,
    check_law,
    known_laws,
    law_beside,
    law_kind,
    law_named,
    law_word,
)
from sim.law.response_law import LawFailedError, LawInputs, UnknownLawError
from sim.law.saturating import Saturating

ANYBODY = LawInputs()
ROOT = Path(__file__).parents[2]
OWN = '''
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Flat:
    """The same everywhere."""

    name: ClassVar[str] = "flat"
    size_frac: float = 0.05

    def gain(self, train, patient):
        return np.where(train.n_leads > 0, self.size_frac, 0.0) + 0.0 * train.delay_ms

    @classmethod
    def draw(cls, rng):
        return cls(rng.uniform(0.01, 0.09))


@dataclass(frozen=True)
class Broken:
    name: ClassVar[str] = "broken"

    def gain(self, train, patient):
        return 1 / 0


@dataclass(frozen=True)
class Short:
    name: ClassVar[str] = "short"

    def gain(self, train, patient):
        return np.zeros(3)


@dataclass
class Thawed:
    def gain(self, train, patient):
        return 0.0


ONE_FOR_ALL = Flat(0.07)
'''


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "my_law.py"
    file.write_text(OWN)
    return str(file)


def table(tmp_path, text, name="gains.csv"):
    file = tmp_path / name
    file.write_text(text)
    return str(file)


PLANE = "amplitude_v,delay_ms,gain_frac\n" + "".join(
    f"{v},{d},{0.01 * v + 0.001 * d}\n" for v in (4.5, 6.0, 7.5) for d in (15, 30, 45)
)


def test_older_files_call_the_saturating_law_nominal():
    assert law_named("nominal") == law_named("saturating") == Saturating()


def test_an_unknown_law_is_answered_with_the_nearest_known_one():
    with pytest.raises(UnknownLawError, match=r"got 'two-hump' \(nearest is 'two-hu"):
        law_kind("two-hump")


def test_the_mixture_holds_every_law_but_the_corners_once():
    names = [name for group in MIXTURE for name in group]
    assert sorted(names) == sorted(set(SHIPPED) - {"plateau", "sharp"})
    assert len(MIXTURE) == 9


def test_a_law_in_a_file_is_drawn_per_patient_and_named_without_its_folder(own):
    kind = law_kind(f"{own}:Flat")
    law = kind.draw(np.random.default_rng(1))
    assert law.name == "my_law.py:Flat"
    assert kind.summary == "The same everywhere."
    assert 0.01 <= float(law.gain(Train(7.5), ANYBODY)) <= 0.09
    assert law != kind.draw(np.random.default_rng(2))
    assert law_word(law) == f"{own}:Flat"
    assert law_faults(law) == ()


def test_an_instance_in_a_file_is_one_law_for_all(own):
    kind = law_kind(f"{own}:ONE_FOR_ALL")
    assert kind.typical().gain(Train(7.5), ANYBODY) == 0.07


def test_a_law_in_a_file_goes_to_another_process_by_its_word(own):
    law = law_kind(f"{own}:Flat").draw(np.random.default_rng(3))
    assert pickle.loads(pickle.dumps(law)) == law


def test_what_a_law_of_ones_own_raises_is_one_line_with_law_exception_and_place(own):
    law = law_kind(f"{own}:Broken").typical()
    told = r"law my_law.py:Broken failed: ZeroDivisionError: .* \(my_law.py:\d+\)$"
    with pytest.raises(LawFailedError, match=told):
        law.gain(Train(7.5), ANYBODY)
    assert len(law_faults(law)) == 1


def test_a_law_of_ones_own_must_answer_each_train(own):
    law = law_kind(f"{own}:Short").typical()
    with pytest.raises(LawFailedError, match=r"shape \(2,\), got \(3,\)"):
        law.gain(Train(np.array([5.0, 6.0])), ANYBODY)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Flatt", "has no law 'Flatt'; nearest is 'Flat'"),
        ("Thawed", "must be a frozen dataclass"),
        ("np", "must have a method gain"),
    ],
)
def test_what_is_no_law_is_told(own, name, told):
    with pytest.raises(UnknownLawError, match=told):
        law_kind(f"{own}:{name}").typical()


def test_a_file_that_is_no_python_or_not_there_is_told(tmp_path):
    (tmp_path / "wrong.py").write_text("def (")
    with pytest.raises(LawFailedError, match=r"law wrong.py failed: SyntaxError"):
        law_kind(f"{tmp_path}/wrong.py:Law")
    with pytest.raises(UnknownLawError, match=r"gone\.py cannot be read"):
        law_kind(f"{tmp_path}/gone.py:Law")
    with pytest.raises(UnknownLawError, match=r"is named file\.py:NAME"):
        law_kind(f"{tmp_path}/wrong.py")


def test_checking_a_word_runs_nobodys_code(tmp_path):
    file = tmp_path / "loud.py"
    file.write_text("raise SystemExit('ran')")
    check_law(f"{file}:Law")


def test_a_changed_file_is_read_again(own, tmp_path):
    before = law_kind(f"{own}:Flat").typical()
    (tmp_path / "my_law.py").write_text(OWN.replace("0.05", "0.06"))
    after = law_kind(f"{own}:Flat").typical()
    assert (before.law.size_frac, after.law.size_frac) == (0.05, 0.06)
    assert before.digest != after.digest


def test_a_table_is_linear_between_its_points(tmp_path):
    law = law_named(table(tmp_path, PLANE))
    trains = Train(np.array([4.5, 5.0, 7.1]), delay_ms=np.array([15.0, 20.0, 41.0]))
    # a plane is what multilinear interpolation keeps exactly
    expected = 0.01 * trains.amplitude_v + 0.001 * trains.delay_ms
    assert law.gain(trains, ANYBODY) == pytest.approx(expected)
    assert law_faults(law) == ()


def test_beyond_a_table_stands_the_gain_at_its_border(tmp_path):
    law = law_named(table(tmp_path, PLANE))
    border, beyond = (law.gain(Train(7.5, delay_ms=d), ANYBODY) for d in (45.0, 99.0))
    assert border == beyond


def test_one_lead_gives_its_share_of_a_table(tmp_path):
    law = law_named(table(tmp_path, PLANE))
    both, one = law.gain(
        Train(7.5, delay_ms=30.0, v1_delivers=np.array([1.0, 0.0])), ANYBODY
    )
    assert both / one == pytest.approx(1.35)


def test_a_table_of_one_value_an_axis_is_a_constant_there(tmp_path):
    law = law_named(table(tmp_path, "delay_ms,gain_frac\n35,0.08\n"))
    assert law.gain(Train(6.0, delay_ms=20.0), ANYBODY) == pytest.approx(0.08)
    assert law.name == "gains.csv"


def test_a_parquet_table_is_the_same_law(tmp_path):
    text = table(tmp_path, PLANE)
    with duckdb.connect(":memory:") as connection:
        connection.read_csv(text).write_parquet(str(tmp_path / "gains.parquet"))
    one, other = law_named(text), law_named(str(tmp_path / "gains.parquet"))
    assert (one.axes, one.gains_frac) == (other.axes, other.gains_frac)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "gains.csv: has no row of gains"),
        ("delay_ms\n35\n", "needs gain_frac and one or more of amplitude_v"),
        ("delay,gain_frac\n35,0.1\n", "has a column 'delay'; known: amplitude_v"),
        ("delay_ms,gain_frac\n35,x\n", "row 1: gain_frac must be a finite number"),
        ("delay_ms,gain_frac\n35,nan\n", "row 1: gain_frac must be a finite number"),
        ("delay_ms,gain_frac\n35,1\n35,2\n", "row 2: has the setting of a row before"),
        ("delay_ms,gain_frac\n35\n", "row 1: must have 2 cells as the header has"),
        (PLANE.rsplit("\n", 2)[0], "lacks amplitude_v 7.5, delay_ms 45"),
    ],
)
def test_a_faulty_table_is_told_in_one_line_with_its_row(tmp_path, text, told):
    with pytest.raises(UnknownLawError, match=told) as caught:
        law_named(table(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_values_that_never_meet_are_told_without_listing_all_their_combinations(
    tmp_path,
):
    # 20,000 ** 4 combinations would fill any memory
    rows = "".join(f"{n},{n},{n},{n},0.1\n" for n in range(20_000))
    header = "amplitude_v,phase_duration_ms,n_pulses,delay_ms,gain_frac\n"
    told = "lacks amplitude_v 0, phase_duration_ms 0, n_pulses 0, delay_ms 1"
    with pytest.raises(UnknownLawError, match=told):
        law_named(table(tmp_path, header + rows))


def test_a_word_lies_beside_the_file_that_says_it(tmp_path):
    assert law_beside("gains.csv", tmp_path) == str(tmp_path / "gains.csv")
    assert law_beside("my.py:Law", tmp_path) == f"{tmp_path}/my.py:Law"
    assert law_beside("null", tmp_path) == "null"


@dataclass(frozen=True)
class Plugged:
    """From a package of somebody's."""

    name: ClassVar[str] = "plugged"

    def gain(self, train, patient):
        return 0.0 * train.delay_ms


def test_an_installed_law_is_known_by_the_name_of_its_entry_point(monkeypatch):
    entry = EntryPoint("theirs", "test_registry:Plugged", code.ENTRY_POINT_GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Plugged)
    monkeypatch.setattr(code, "entry_points", lambda group: [entry])
    check_law("theirs")
    before = run_in(in_this_process)  # another process knows nothing of the patches
    try:
        assert known_laws()["theirs"].summary == "From a package of somebody's."
        assert law_named("theirs").name == "theirs"
    finally:
        run_in(before)


def test_the_example_of_the_how_to_is_a_law(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "how-to" / "write-a-law.md").read_text(encoding="utf-8")
    written, check = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    scenario = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)[0]
    gains = re.findall(r"```\n(amplitude_v,.*?)```", page, flags=re.DOTALL)[0]
    (tmp_path / "mine.py").write_text(written)
    (tmp_path / "mine.toml").write_text(scenario)
    patient = load_scenario(tmp_path / "mine.toml").patient.patient
    assert patient.response.name == "mine.py:Mine"
    kind = law_kind(f"{tmp_path}/mine.py:Mine")
    assert law_faults(kind.typical()) == ()
    assert law_faults(kind.draw(np.random.default_rng(1))) == ()
    assert "law_faults(Mine()) == ()" in check
    monkeypatch.setitem(sys.modules, "mine", mine := ModuleType("mine"))
    exec(written, vars(mine))
    exec(check, {})
    # at the middle of the four corners: their mean
    law = law_named(table(tmp_path, gains))
    middle = law.gain(Train(6.0, delay_ms=30.0), ANYBODY)
    assert middle == pytest.approx((0.010 + 0.020 + 0.030 + 0.085) / 4)
