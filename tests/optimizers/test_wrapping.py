"""The whole examples of the how-to, run from its text; generators both ways."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from optimizers.conformance import check_strategy, noisy_hill, problems, run
from optimizers.problem import Problem
from optimizers.registry import load_strategy
from optimizers.suggest_ingest import SearchGenerator, played_by, vocs_words

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "wrap-an-optimizer.md"
BLOCKS = re.findall(r"```python\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)


def example(name: str) -> str:
    [found] = [block for block in BLOCKS if name in block]
    return found


@pytest.mark.parametrize("name", ["with_scipy", "with_generator"])
def test_the_examples_pass_the_kit(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(example(name), encoding="utf-8")
    strategy = load_strategy(f"{tmp_path / 'mine.py'}:{name}")
    found = check_strategy(strategy)
    assert [one.problem for one in found] == [""] * len(found)


@pytest.mark.slow
def test_the_example_with_optuna_passes_the_kit(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(example("with_optuna"), encoding="utf-8")
    strategy = load_strategy(f"{tmp_path / 'mine.py'}:with_optuna")
    found = check_strategy(strategy)
    assert [one.problem for one in found] == [""] * len(found)


@pytest.mark.parametrize("title", ["A search told by hand", "One of our searches"])
def test_the_scripts_run_to_a_choice(
    title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(example(title), str(HOW_TO), "exec"), {})
    assert capsys.readouterr().out.strip()


class Remembers:
    """Suggests what it was given, and keeps what it is told."""

    def __init__(self, points: list[dict[str, Any]]) -> None:
        self.points = points
        self.told: list[dict[str, Any]] = []
        self.ended = False

    def suggest(self, num_points: int | None) -> list[dict[str, Any]]:
        assert num_points == 1
        return [self.points.pop(0)] if self.points else []

    def ingest(self, results: list[dict[str, Any]]) -> None:
        self.told += results

    def finalize(self) -> None:
        self.ended = True


def test_a_generator_is_told_what_was_tested_and_its_own_names() -> None:
    problem = problems()["device"]
    asked = [
        {"amplitude_v": 5.1, "delay_ms": 30.0, "_id": 7},
        {"amplitude_v": 7.4, "phase_duration_ms": 6.6, "delay_ms": 12.2},
    ]
    generator = Remembers(list(asked))

    def make(problem: Problem, rng: np.random.Generator) -> Remembers:
        return generator

    search = run(played_by(make), problem, noisy_hill, on_finish="stop")
    first, second = generator.told
    assert (first["amplitude_v"], first["delay_ms"], first["_id"]) == (5.0, 30.0, 7)
    assert first["phase_duration_ms"] == 5.14  # not said: the reference's
    assert (second["amplitude_v"], second["delay_ms"]) == (7.5, 12.0)
    assert first["utility"] == search.log[1].value
    assert generator.ended


def test_a_problem_is_told_in_the_words_of_the_standard() -> None:
    told = vocs_words(problems()["unknown axes"])
    assert told["variables"] == {"temperature": [1.0, 4.0]}
    assert told["constants"] == {"n_pulses": 2.0}
    assert told["objectives"] == {"utility": "MAXIMIZE"}
    assert told["constraints"] == {"sensation": ["LESS_THAN", 2.0]}


def vocs(**objectives: str) -> SimpleNamespace:
    variables = {
        "x": SimpleNamespace(domain=[0.0, 1.0]),
        "k": SimpleNamespace(values={3, 1, 2}),
    }
    return SimpleNamespace(variables=variables, objectives=objectives)


@pytest.mark.parametrize(("direction", "best"), [("MINIMIZE", 0.2), ("MAXIMIZE", 1.0)])
def test_a_search_of_ours_suggests_and_ingests(direction: str, best: float) -> None:
    generator = SearchGenerator(
        vocs(f=direction), "grid-replicate", evaluations=60, steps=6
    )
    n_points = 0
    while points := generator.suggest():
        [point] = points
        n_points += 1
        generator.ingest([{**point, "f": (point["x"] - 0.2) ** 2 + 0.0 * point["k"]}])
    generator.finalize()
    assert n_points == 60
    assert generator.recommend()["x"] == pytest.approx(best)


def test_a_search_of_ours_takes_nothing_but_answers_to_its_own_suggestions() -> None:
    generator = SearchGenerator(vocs(f="MINIMIZE"), "random", evaluations=1)
    with pytest.raises(ValueError, match="1 point at a time, not 3"):
        generator.suggest(3)
    generator.ingest([{**generator.suggest(1)[0], "f": 1.0}])
    assert generator.suggest(1) == []
    with pytest.raises(ValueError, match="takes no more results"):
        generator.ingest([{"x": 0.0, "k": 1, "f": 1.0}])


@pytest.mark.parametrize(
    ("objectives", "told"),
    [({}, "one objective, got none"), ({"f": "EXPLORE"}, "minimized or maximized")],
)
def test_a_search_has_one_objective_with_a_direction(
    objectives: Mapping[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        SearchGenerator(vocs(**objectives), "random")
