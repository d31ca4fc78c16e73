"""A stored run, rendered again from its report.json: nothing is simulated."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from harness.archive.run_folder import RUN_FILE, StoredRun, read_run
from harness.common.files import (
    BrokenRunError,
    OutputError,
    beside,
    cannot_write,
    sync,
    write_file,
    write_json,
)
from harness.common.words import plain
from harness.report.formats import FORMATS, renderings

SOURCE: Final = "report.json"


def render_again(run_dir: str | Path, formats: Sequence[str]) -> tuple[Path, ...]:
    """Render a stored run anew, into its folder, and return the files.

    A rendering that is missing or was changed is made good; anything else that is
    wrong with the run raises BrokenRunError. Nothing changes when every byte is the
    same already, and never a file that is not among what the run wrote.
    """
    files = [FORMATS[name].file for name in formats]
    stored = read_run(run_dir, rendered=set(files) - {SOURCE})
    made = _rendered(run_dir, stored, formats)
    if any(_differs(stored.folder / name, made[name]) for name in files):
        _put(stored.folder, made, stored.about)
    return tuple(Path(run_dir) / name for name in files)


def _rendered(
    run_dir: str | Path, stored: StoredRun, formats: Sequence[str]
) -> dict[str, bytes]:
    """Render; a value that no reader can show is the record's fault, not a crash."""
    try:
        return renderings(stored.report, formats)
    except (ValueError, LookupError, ArithmeticError, RuntimeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BrokenRunError(
            f"{run_dir} holds a {SOURCE} that cannot be rendered: {plain(reason)}"
        ) from None


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content


def _put(target: Path, made: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    """Write everything aside, then rename; `run.json`, which makes it good, last.

    Between two renames a rendering is newer than its hash, which the next call mends.
    """
    hashes = {name: sha256(content).hexdigest() for name, content in made.items()}
    files = dict(sorted({**about["files"], **hashes}.items()))
    try:
        with beside(target) as folder:
            for name, content in made.items():
                write_file(folder / name, content)
            write_json(folder / RUN_FILE, {**about, "files": files})
            for name in (*made, RUN_FILE):
                (folder / name).rename(target / name)
            sync(target)
    except OSError as error:
        raise OutputError(cannot_write(target, error)) from None
