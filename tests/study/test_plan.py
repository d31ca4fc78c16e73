"""Study files: every fault is named, everything left out has a value."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.play.scenario import ScenarioError
from harness.study.plan import Study, load_study, parse_study, shipped_studies

ROOT = Path(__file__).parents[2]
GOOD = 'title = "t"\ncontenders = ["stay"]\n[cohort]\nn = 2\n'


def faults(text: str) -> dict[str, str]:
    with pytest.raises(ScenarioError) as caught:
        parse_study(text, "bad.toml")
    return {fault.path: fault.text for fault in caught.value.faults}


def test_every_fault_of_a_file_is_named_at_once() -> None:
    found = faults(
        """
        title = "x"
        contenders = [
          "stya",
          { strategy = "gp", gate_probabilty = 0.4 },
          { strategy = "gp", recommender = "x", gate_probability = 2 },
          { label = "a" },
          3,
        ]
        plans = ["pared"]
        budgets_min = [20, 20, 400]
        replicats = 3
        visit_limit_s = 0
        [cohort]
        n = 0
        families = { nominl = 1 }
        population = { age_men_years = 3 }
        [visit]
        titration_min = 3
        [search]
        strategy = "gp"
        """
    )
    assert found.keys() == {
        "contenders.0.strategy",
        "contenders.1.gate_probabilty",
        "contenders.2.recommender",
        "contenders.2.gate_probability",
        "contenders.3.strategy",
        "contenders.4",
        "plans.0",
        "budgets_min.2",
        "replicats",
        "visit_limit_s",
        "cohort.n",
        "cohort.families",
        "cohort.population.age_men_years",
        "visit.titration_min",
        "search.strategy",
    }
    assert "nearest is 'replicates'" in found["replicats"]
    assert "nearest is 'gate_probability'" in found["contenders.1.gate_probabilty"]
    assert found["budgets_min.2"] == "must be 1 to 240 min, got 400 min"
    assert "budgets_min" in found["visit.titration_min"]


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ('title = "t"\ncontenders = ["stay"]\n', "cohort", "must be given"),
        ('patients = ["normal"]\n' + GOOD, "patients", "give one"),
        (GOOD.replace('"stay"', '"stay", "stay"'), "contenders.1", "there twice"),
        (GOOD.replace('["stay"]', "[]"), "contenders", "one or more"),
        ("budgets_min = [20, 20]\n" + GOOD, "budgets_min.1", "there twice"),
        ("budgets_min = 20\n" + GOOD, "budgets_min", "must be a list"),
        (GOOD + "[search]\nlimits = { amplitud_v = [4, 7] }", "search.limits", ""),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, path: str, told: str) -> None:
    found = faults(text)
    assert [place for place in found if place.startswith(path)]
    assert told in " ".join(found.values())


def test_a_misspelt_strategy_of_a_contender_is_told_beside_the_missing_one() -> None:
    found = faults(GOOD.replace('["stay"]', '[{ label = "a", strategie = "gp" }]'))
    assert found["contenders.0.strategy"] == "must be given"
    assert "nearest is 'strategy'" in found["contenders.0.strategie"]


def test_a_study_with_a_faulty_lead_is_refused_since_its_truth_knows_none() -> None:
    found = faults(GOOD + '[device.found]\nv1_fault = "dislodged"\n')
    assert found.keys() == {"device.found.v1_fault"}
    assert "intact leads, got" in found["device.found.v1_fault"]


def test_limits_must_be_on_the_axes_of_each_contender() -> None:
    text = GOOD.replace('["stay"]', '[{ strategy = "stay", axes = ["delay_ms"] }]')
    found = faults(text + "[search]\nlimits = { amplitude_v = [4.5, 7.5] }\n")
    assert list(found) == ["contenders.0.axes.limits.amplitude_v"]


def test_a_contender_changes_the_search_of_the_study_and_nothing_else() -> None:
    study = parse_study(
        GOOD.replace('"stay"', '"gp", { label = "bold", strategy = "gp", '
                     "gate_probability = 0.0 }")
        + "[search]\nenergy_weight = 0.25\n",
        "t.toml",
    )  # fmt: skip
    plain, bold = (one.search(study.search) for one in study.contenders)
    assert [one.name for one in study.contenders] == ["gp", "bold"]
    assert (plain.energy_weight, bold.energy_weight) == (0.25, 0.25)
    assert plain.gate_probability == study.search.gate_probability
    assert bold.gate_probability == 0.0


def test_a_contender_from_a_file_is_called_without_its_folder(
    odd_file: object, study_text: Callable[..., str]
) -> None:
    study = parse_study(study_text([f"{odd_file}:fine"]), "t.toml")
    assert study.contenders[0].name == "odd.py:fine"
    assert str(odd_file) not in json.dumps(study.as_read())


def test_a_study_as_read_says_what_was_left_out_and_is_json(
    tiny_study: Callable[..., Study],
) -> None:
    told = json.loads(json.dumps(tiny_study(["stay", "cohort-bayes"]).as_read()))
    assert told["plans"] == ["paired"]
    assert [one["label"] for one in told["contenders"]] == ["stay", "cohort-bayes"]
    recommenders = [one["recommender"] for one in told["contenders"]]
    assert recommenders == ["posterior_mean", "population"]
    assert "recommender" not in told["search"]
    assert told["search"]["gate_probability"] == 0.8
    assert "titration_min" not in told["visit"]


def test_a_study_counts_its_visits(tiny_study: Callable[..., Study]) -> None:
    study = tiny_study(
        ["stay", "gp"], budgets=(4, 8, 16), replicates=5, patients=("normal",) * 7
    )
    assert study.n_visits == 2 * 3 * 5 * 7


def test_starts_are_a_dimension_of_a_study() -> None:
    study = parse_study('starts = ["factory", "left-over"]\n' + GOOD, "t.toml")
    alone = parse_study(GOOD, "t.toml")
    assert study.n_visits == 2 * alone.n_visits
    assert study.as_read()["starts"] == ["factory", "left-over"]
    assert "starts" not in alone.as_read()


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ('starts = ["factory", "factry"]\n' + GOOD, "starts.1", "'factory'"),
        ('starts = ["factory", "factory"]\n' + GOOD, "starts.1", "there twice"),
        ('starts = "factory"\n' + GOOD, "starts", "must be a list"),
        (GOOD + '[device]\nstart = "factory"\n', "device.start", "give starts"),
        (
            'starts = ["factory"]\n' + GOOD + "[device.settings]\ndelay_ms = 20\n",
            "device.settings.delay_ms",
            "is what starts set",
        ),
        (
            'starts = ["left-over"]\n' + GOOD + "[search]\nlimits = "
            "{ delay_ms = [30, 40] }\n",
            "search.limits.delay_ms",
            "start 'left-over' may leave",
        ),
    ],
)
def test_a_faulty_start_is_told_with_its_place(text: str, path: str, told: str) -> None:
    found = faults(text)
    assert list(found) == [path]
    assert told in found[path]


@pytest.mark.parametrize("name", sorted(shipped_studies()))
def test_a_shipped_study_has_no_fault(name: str) -> None:
    study = load_study(name)
    assert study.title
    assert study.n_visits > 0


def test_a_misspelt_study_is_told_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="nearest is 'quick'"):
        load_study("quik")


def test_the_example_of_the_how_to_is_a_study(odd_file: Path) -> None:
    told = (ROOT / "docs" / "how-to" / "run-a-study.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", told, flags=re.DOTALL)
    study = parse_study(
        example.replace("my_search.py:sweep", f"{odd_file}:fine"), "doc"
    )
    assert study.n_visits == 40 * 2 * 4 * 3 * 2
    assert study.contenders[3].search(study.search).gate_probability == 0.0
