"""Visits in order, each with a key that hangs on what determines it alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.play.scenario import ScenarioError
from harness.study.chunks import Chunk, StartError, run_chunk
from harness.study.jobs import plan_of
from harness.study.plan import Study, parse_study
from harness.task.people import EVERY_LAW, Laws

Maker = Callable[..., Study]
TWO = ("hfref-ischaemic", "hfref-null")


def keys(study: Study) -> list[str]:
    return [job.key for job in plan_of(study).jobs()]


def test_visits_come_patient_by_patient_and_each_has_a_key(tiny_study: Maker) -> None:
    study = tiny_study(["stay", "gp"], budgets=(4, 8), replicates=3, patients=TWO)
    jobs = list(plan_of(study).jobs())
    assert len({job.key for job in jobs}) == len(jobs) == study.n_visits == 24
    assert [job.order.patient_index for job in jobs] == [0] * 12 + [1] * 12
    first = [
        (job.contender, job.order.plan.titration_min, job.order.replicate)
        for job in jobs[:4]
    ]
    assert first == [("stay", 4, 0), ("stay", 4, 1), ("stay", 4, 2), ("stay", 8, 0)]


def test_a_start_is_drawn_once_for_a_patient_whoever_searches() -> None:
    text = """
        title = "t"
        contenders = ["stay", "gp"]
        starts = ["factory", "left-over"]
        patients = ["hfref-ischaemic", "hfref-null"]
        replicates = 2
    """
    jobs = list(plan_of(parse_study(text, "t.toml")).jobs())
    assert len({job.key for job in jobs}) == len(jobs) == 16
    left = {
        (job.start, job.order.patient_index, job.order.found.settings) for job in jobs
    }
    assert len(left) == 4
    over = {found for start, _, found in left if start == "left-over"}
    assert len(over) == 2


def test_a_search_is_told_the_law_of_its_own_patient() -> None:
    text = """
        title = "t"
        contenders = [
          { label = "told", strategy = "stay", population = "told" },
          { label = "left-out", strategy = "stay", population = "left-out" },
          "stay",
        ]
        patients = ["hfref-ischaemic", "hfref-null"]
    """
    jobs = list(plan_of(parse_study(text, "t.toml")).jobs())
    laws = {
        (job.order.patient.response.name, job.contender): job.task.people_laws
        for job in jobs
    }
    for law in ("saturating", "null"):
        assert laws[law, "told"] == Laws.told(law)
        assert laws[law, "left-out"] == EVERY_LAW.without(law)
        assert laws[law, "stay"] == EVERY_LAW


def test_a_study_with_a_start_more_has_the_keys_of_the_smaller_one() -> None:
    text = """
        title = "t"
        contenders = ["stay"]
        starts = {}
        patients = ["hfref-ischaemic"]
    """
    few, more = (
        set(keys(parse_study(text.format(starts), "t.toml")))
        for starts in ('["turned-down"]', '["factory", "turned-down"]')
    )
    assert few < more


def test_an_extended_study_has_the_keys_of_the_smaller_one(tiny_study: Maker) -> None:
    small = set(keys(tiny_study(["stay"], patients=TWO[:1])))
    for more in (
        tiny_study(["gp", "stay"], patients=TWO),
        tiny_study(["stay"], budgets=(8, 4), patients=TWO[:1]),
        tiny_study(["stay"], replicates=4, patients=TWO),
    ):
        assert small < set(keys(more))


@pytest.mark.parametrize(
    "change",
    [
        ("seed = 5", "seed = 6"),
        ("post_replication_pairs = 0", "post_replication_pairs = 1"),
        ("verification_pairs = 2", "verification_pairs = 3"),
        ("[visit]", "[visit]\ntests_per_reference = 5"),
        ("[visit]", "[visit]\ntarget_se_pct = 1.5"),
        ("[visit]", "[visit]\nmost_replicates = 2"),
        ("[visit]", "[visit]\nnoise_scale = 0.5"),
        ("patients =", 'plans = ["single"]\npatients ='),
        ('"stay"', '{ label = "stay", strategy = "stay", population = false }'),
        ("[visit]", "[search]\nenergy_weight = 0.4\n[visit]"),
        ('"stay"', '{ label = "stay", strategy = "stay", gate_probability = 0.5 }'),
        ('"stay"', '{ label = "other", strategy = "stay" }'),
        ('"hfref-ischaemic"', '"hfref-null"'),
        ("[visit]", "[device.settings]\namplitude_v = 5.0\n[visit]"),
    ],
)
def test_a_key_hangs_on_all_that_determines_the_visit(
    change: tuple[str, str], study_text: Callable[..., str]
) -> None:
    text = study_text()
    assert change[0] in text
    other = text.replace(*change)
    assert keys(parse_study(text, "a"))[0] != keys(parse_study(other, "b"))[0]


@pytest.mark.parametrize(
    "change",
    [
        ('"A tiny study"', '"Another"'),
        ("visit_limit_s = 60", "visit_limit_s = 9"),
        ("[visit]", "[visit]\nstrip_noise = { mains_mv = 0.5 }"),
    ],
)
def test_a_key_does_not_hang_on_anything_else(
    change: tuple[str, str], study_text: Callable[..., str]
) -> None:
    text = study_text()
    assert change[0] in text
    other = text.replace(*change)
    assert keys(parse_study(text, "a")) == keys(parse_study(other, "b"))


def test_a_strategy_from_a_file_counts_with_its_contents_not_its_place(
    tmp_path: Path, odd_file: Path, tiny_study: Maker
) -> None:
    moved = tmp_path / "elsewhere" / "odd.py"
    moved.parent.mkdir()
    moved.write_bytes(odd_file.read_bytes())
    here = keys(tiny_study([f"{odd_file}:fine"]))
    assert keys(tiny_study([f"{moved}:fine"])) == here
    moved.write_text(moved.read_text() + "\n# changed\n")
    assert keys(tiny_study([f"{moved}:fine"])) != here


def test_a_file_that_is_changed_meanwhile_ends_the_study(
    odd_file: Path, tiny_study: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = tuple(plan_of(tiny_study([f"{odd_file}:fine"])).jobs())
    chunk = Chunk(jobs, 60.0, "", poisoned="so that nothing is played")
    monkeypatch.setattr("harness.study.chunks._scored", lambda *_: None)
    assert len(run_chunk(chunk).played) == 1
    planned = odd_file.read_text()

    def edits(*_: object) -> None:
        odd_file.write_text(planned + "\n# changed\n")

    monkeypatch.setattr("harness.study.chunks._scored", edits)
    for _ in range(2):  # while it is played, then before
        with pytest.raises(StartError, match=r"strategy odd\.py:fine is not what it"):
            run_chunk(chunk)
    odd_file.unlink()
    with pytest.raises(StartError, match="begin it again"):
        run_chunk(chunk)


def test_a_strategy_from_a_module_counts_with_its_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_study: Maker
) -> None:
    module = tmp_path / "somebody_elses_search.py"
    module.write_text("def fine(problem, rng):\n    yield problem.reference\n")
    monkeypatch.syspath_prepend(tmp_path)
    source = "somebody_elses_search:fine"
    before = keys(tiny_study([source]))
    assert keys(tiny_study([source])) == before
    module.write_text(module.read_text() + "\n# changed\n")
    assert keys(tiny_study([source])) != before


@pytest.mark.parametrize(
    ("strategy", "own"),
    [("stay", "posterior_mean"), ("cohort-bayes", "population")],
)
def test_a_recommender_counts_where_it_is_not_the_strategys_own(
    strategy: str, own: str, tiny_study: Maker
) -> None:
    def with_recommender(name: str) -> list[str]:
        chosen = f', recommender = "{name}"' if name else ""
        one = f'{{ label = "a", strategy = "{strategy}"{chosen} }}'
        return keys(tiny_study([one]))

    left_out = with_recommender("")
    assert with_recommender(own) == left_out
    others = {"posterior_mean", "population", "best_mean"} - {own}
    found = {name: with_recommender(name)[0] for name in others}
    assert len({*found.values(), left_out[0]}) == 3


def test_a_patient_who_is_not_there_is_a_fault_with_its_place(
    tiny_study: Maker,
) -> None:
    study = tiny_study(patients=("normal", "hfref-ischemic", "gone.toml"))
    with pytest.raises(ScenarioError) as caught:
        plan_of(study, origin="s.toml")
    told = {fault.path: fault.text for fault in caught.value.faults}
    assert told.keys() == {"patients.1", "patients.2"}
    assert "nearest is 'hfref-ischaemic'" in told["patients.1"]
    assert "gone.toml: cannot be read" in told["patients.2"]


def test_patient_files_are_looked_for_beside_the_study(
    tmp_path: Path, tiny_study: Maker
) -> None:
    (tmp_path / "mine.toml").write_text('phenotype = "normal"\n', encoding="utf-8")
    plan = plan_of(tiny_study(patients=("mine.toml",)), tmp_path)
    assert plan.patients[0].phenotype == "normal"
