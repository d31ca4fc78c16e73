"""A template is compiled once for all processes, and always when its text is new."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILLS = """
import sys
from jinja2 import DictLoader, Environment
from harness.common import kept
from harness.common.pages import environment

if sys.argv[2:]:
    kept.user_caches = lambda: []

compiled, compiles = [], Environment.compile

def counted(self, source, name=None, *rest, **named):
    compiled.append(name)
    return compiles(self, source, name, *rest, **named)

Environment.compile = counted
made = environment()
made.loader = DictLoader({"page": sys.argv[1]})
print(made.get_template("page").render(who="<nobody>"), len(compiled))
"""


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path / "cache" / "ccmlab" / "templates"


def filled(template: str, *nowhere: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FILLS, template, *nowhere],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout.strip()


def kept(shelf: Path) -> list[Path]:
    return [file for file in shelf.rglob("*") if file.is_file()]


def test_the_second_process_compiles_nothing(shelf: Path) -> None:
    assert filled("hello {{ who }}") == "hello &lt;nobody&gt; 1"
    assert len(kept(shelf)) == 1
    assert filled("hello {{ who }}") == "hello &lt;nobody&gt; 0"


def test_another_text_is_another_template(shelf: Path) -> None:
    filled("hello {{ who }}")
    assert filled("good day {{ who }}") == "good day &lt;nobody&gt; 1"
    assert len(kept(shelf)) == 2


def test_what_was_damaged_is_compiled_again(shelf: Path) -> None:
    filled("hello {{ who }}")
    (file,) = kept(shelf)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert filled("hello {{ who }}") == "hello &lt;nobody&gt; 1"
    assert filled("hello {{ who }}") == "hello &lt;nobody&gt; 0"


def test_without_a_place_to_keep_anything_a_page_is_made_all_the_same(
    shelf: Path,
) -> None:
    for _ in range(2):
        assert filled("hello {{ who }}", "nowhere") == "hello &lt;nobody&gt; 1"
    assert kept(shelf) == []
