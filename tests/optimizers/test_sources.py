"""What is said of a strategy before any of it runs: read from its text alone."""

from pathlib import Path

import pytest

from optimizers.registry import check_source, is_ours, source_of, strategies
from optimizers.sources import described

MARK = """
from pathlib import Path
Path(__file__).with_name("was-run").write_text("x")
"""
PLAIN = '''
@strategy("plain", summary="s", recommender="population")
def plain(problem, rng):
    """Ask once.

    And no more.
    """
    yield problem.reference
'''


def text(tmp_path: Path, body: str) -> str:
    (tmp_path / "mine.py").write_text(MARK + body, encoding="utf-8")
    return f"{tmp_path / 'mine.py'}:f"


@pytest.mark.parametrize(
    "body",
    [
        "def f(p, r):\n    yield 1\n",
        "f = 3\n",  # only running it can tell
        "a, f = make()\n",
        "with open('x') as f:\n    pass\n",
        "if True:\n    def f(p, r):\n        yield from p\n",
        "try:\n    import a\nexcept ImportError:\n    def f(p, r):\n        yield 1\n",
        "from elsewhere import search as f\n",
        "from elsewhere import *\n",
        "def __getattr__(name):\n    return name\n",
        "@wrapped\ndef f(p, r):\n    return 1\n",
        "s = '\\d'\ndef f(p, r):\n    yield 1\n",
    ],
)
def test_what_may_be_a_strategy_passes_and_is_not_run(
    tmp_path: Path, body: str
) -> None:
    check_source(text(tmp_path, body))
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("def g(p, r):\n    yield 1\n", r"mine\.py has no 'f'; nearest is 'g'"),
        ("def f(p, r):\n    return 1\n", "must be a generator function: def f"),
        (
            "def f(p, r):\n    return (lambda: (yield))\n",
            "must be a generator function",
        ),
        ("async def f(p, r):\n    yield 1\n", "must be a generator function"),
        ("class f:\n    pass\n", "must be a generator function"),
        ("def f(:\n", r"mine\.py, line 4 is no Python"),
        ("x = '\0'\n", r"mine\.py.* is no Python"),
        ("f = " + "(" * 500 + ")" * 500, r"mine\.py.* (is no Python|too deeply)"),
    ],
)
def test_what_is_plainly_no_strategy_is_told_and_not_run(
    tmp_path: Path, body: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        check_source(text(tmp_path, body))
    assert not (tmp_path / "was-run").exists()


def test_a_module_is_found_without_importing_it_or_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "their_package"
    package.mkdir()
    (package / "__init__.py").write_text(MARK)
    (package / "search.py").write_text(MARK + PLAIN)
    monkeypatch.syspath_prepend(tmp_path)
    assert source_of("their_package.search:plain") == package / "search.py"
    check_source("their_package.search:plain")
    with pytest.raises(ValueError, match="has no 'plane'; nearest is 'plain'"):
        check_source("their_package.search:plane")
    with pytest.raises(ValueError, match=r"no module .their_package\.other."):
        check_source("their_package.other:plain")
    assert not list(tmp_path.rglob("was-run"))


def test_what_our_decorator_is_told_is_read_from_the_text(tmp_path: Path) -> None:
    told = described(text(tmp_path, PLAIN).replace(":f", ":plain"))
    assert (told.summary, told.recommender) == ("Ask once.", "population")


def test_a_strategy_of_another_distribution_is_listed_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_search.py").write_text(MARK + PLAIN)
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[ccmlab.strategies]\nplain = their_search:plain\nlost = nowhere_at_all:f\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    known = strategies()
    assert known["plain"].summary == "Ask once."
    assert known["plain"].recommender == "population"
    assert "no module 'nowhere_at_all'" in known["lost"].summary
    assert not is_ours("plain")
    assert source_of("plain") == tmp_path / "their_search.py"
    with pytest.raises(ValueError, match="no module 'nowhere_at_all'"):
        check_source("lost")
    assert not (tmp_path / "was-run").exists()


def test_ours_are_ours_and_those_that_need_a_package_of_others_are_not() -> None:
    assert is_ours("titration")
    assert is_ours("optimizers.baselines:stay")
    assert not is_ours("cmaes")
    assert not is_ours("optimizers.peers:cma_es")
