"""The recipes for a command and for a scenario, done as CONTRIBUTING tells them."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.catalogue import listing
from harness.cli import cli, invoke
from harness.commands.faults import one_clear_message
from harness.commands.options import HELP
from harness.commands.speech import tell
from harness.common.faults import Fault, ScenarioError
from harness.play import shipped
from harness.play.scenario import load_scenario

ROOT = Path(__file__).parents[2]
NOT_VERBS = {
    "__init__",
    "asked",
    "faults",
    "memory",
    "options",
    "speech",
    "unasked",
}


def coffee_break_min(people: int) -> float:
    """Do the work: values in, what is to be told out."""
    if people < 1:
        raise ScenarioError("coffee.toml", [Fault("people", "must be 1 or more")])
    return 5.0 * people


@click.command("brew-coffee", short_help="Tell how long coffee takes.")
@click.option("--people", default=1, help="how many drink (default: 1)")
@HELP
def brew_coffee(people: int) -> int:
    """Tell how long coffee takes for some people."""
    with one_clear_message():
        minutes = coffee_break_min(people)
    tell(f"{minutes:g} min")
    return 0


@pytest.fixture
def added() -> Iterator[None]:
    """Stand the command in the list for a while."""
    cli.add_command(brew_coffee)
    yield
    del cli.commands["brew-coffee"]


@pytest.mark.usefixtures("added")
def test_a_new_command_tells_its_result_on_stdout_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["brew-coffee", "--people", "3"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("15 min\n", "")


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("people", "told"), [("0", "people: must be 1 or more"), ("some", "'some'")]
)
def test_its_faults_take_one_message_and_exit_code_2(
    people: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["brew-coffee", "--people", people]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("ccmlab: ")
    assert told in said.err


@pytest.mark.usefixtures("added")
def test_it_stands_among_the_others_in_the_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert invoke(["--help"]) == 0
    assert "Tell how long coffee takes." in capsys.readouterr().out


def verbs_of(path: Path) -> list[str]:
    """Return the names that a file gives to `click.command`."""
    calls = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "click.command"
    )
    return [
        call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)
    ]


def test_every_verb_is_a_file_named_after_it_and_in_the_list() -> None:
    files = (ROOT / "harness" / "commands").glob("*.py")
    found = {path.stem: verbs_of(path) for path in files}
    named = {stem: verbs for stem, verbs in found.items() if stem not in NOT_VERBS}
    assert {stem.strip("_").replace("_", "-"): v for stem, v in named.items()} == {
        verb: [verb] for verb in cli.commands
    }
    assert [found[stem] for stem in sorted(NOT_VERBS)] == [[]] * len(NOT_VERBS)


def test_a_new_scenario_is_listed_and_loaded_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for path in (ROOT / "scenarios").glob("*.toml"):
        shutil.copy(path, folder)
    text = (folder / "first_visit.toml").read_text(encoding="utf-8")
    title = load_scenario("first_visit").title
    mine = text.replace(title, "A visit over coffee").replace("seed = ", "seed = 9")
    (folder / "coffee_visit.toml").write_text(mine, encoding="utf-8")
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path / package)
    assert load_scenario("coffee_visit").title == "A visit over coffee"
    assert "coffee_visit" in listing("scenarios")
    with pytest.raises(ScenarioError, match="coffee_visit"):
        load_scenario("cofee_visit")
