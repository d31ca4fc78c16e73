"""Finding a strategy by name, in a module, in a file."""

import pytest

from optimizers.baselines import stay
from optimizers.problem import StrategyFailedError
from optimizers.registry import load_strategy, strategies, strategy


def test_the_built_in_strategies_are_known_by_name_with_a_summary():
    known = strategies()
    assert {
        "basin-hopping",
        "brute",
        "cobyla",
        "cobyqa",
        "compass",
        "differential-evolution",
        "direct",
        "dual-annealing",
        "gp",
        "grid-replicate",
        "l-bfgs-b",
        "nelder-mead",
        "powell",
        "quadratic",
        "random",
        "shgo",
        "slsqp",
        "sobol",
        "spsa",
        "stay",
        "sweep",
        "titration",
        "transfer",
        "trust-constr",
    } <= set(known)
    assert all(entry.summary for entry in known.values())
    assert list(known) == sorted(known)


def test_a_strategy_is_loaded_by_name_and_from_a_module():
    assert load_strategy("stay") is stay
    assert load_strategy("optimizers.baselines:stay") is stay


def test_a_strategy_is_loaded_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def search(problem, rng):\n    yield problem.reference\n")
    run = load_strategy(f"{file}:search")
    assert run.__name__ == "search"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("titraton", "nearest is 'titration'"),
        ("nonsense.of.mine:run", "no module 'nonsense.of.mine'"),
        ("optimizers.baselines:stray", "nearest is 'stay'"),
        ("nowhere/mine.py:run", "no file nowhere/mine.py"),
        ("mine.py", "is named mine.py:FUNCTION, got 'mine.py' alone"),
    ],
)
def test_an_unknown_strategy_is_refused_with_a_hint(source, message):
    with pytest.raises(ValueError, match=message):
        load_strategy(source)


def test_a_file_that_is_no_python_is_refused_with_its_line(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("x = 1\ndef search(:\n")
    with pytest.raises(ValueError, match=r"mine\.py, line 2 is no Python: "):
        load_strategy(f"{file}:search")


def test_an_import_error_inside_a_module_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        StrategyFailedError, match=r"not_installed_anywhere.*more\.py:1"
    ):
        load_strategy("needs_more:run")


@pytest.mark.parametrize("error", ["SystemExit(0)", "EOFError('cut')", "MemoryError()"])
def test_whatever_a_file_raises_when_it_is_read_is_told_with_its_place(tmp_path, error):
    file = tmp_path / "mine.py"
    file.write_text(f"x = 1\nraise {error}\n")
    with pytest.raises(StrategyFailedError, match=r"Error|Exit.*\(mine\.py:2\)"):
        load_strategy(f"{file}:search")


@pytest.mark.parametrize("source", [".x:f", "..:f", "a b:f", "x\0.py:f", ":f"])
def test_what_is_no_name_of_a_module_is_refused(source):
    with pytest.raises(ValueError, match="to load a strategy from"):
        load_strategy(source)


def test_a_taken_name_is_refused():
    def other(problem, rng):
        yield problem.reference

    with pytest.raises(ValueError, match=r"stay is taken by optimizers\.baselines"):
        strategy("stay", summary="another")(other)
