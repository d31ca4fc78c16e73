"""A stored run, rendered again from its report.json: nothing is simulated."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from harness.archive.run_folder import RUN_FILE, StoredRun, read_run
from harness.common.files import (
    BrokenRunError,
    OutputError,
    file_hash,
    names_in,
    whole_folder,
    write_file,
    write_json,
)
from harness.common.words import plain
from harness.report.formats import FORMATS, renderings

SOURCE: Final = "report.json"


def formats_named(text: str) -> tuple[str, ...]:
    """Return the formats that a list with commas names; ValueError names the others."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in FORMATS:
            near = get_close_matches(name, FORMATS, n=1)
            hint = f" (nearest is {near[0]!r})" if near else ""
            raise ValueError(f"takes {', '.join(FORMATS)}, got {name!r}{hint}")
    return names


def render_again(run_dir: str | Path, formats: Sequence[str]) -> tuple[Path, ...]:
    """Render a stored run anew, into its folder, and return the files.

    A rendering that is missing or was changed is made good; anything else that is
    wrong with the run raises BrokenRunError. The folder changes whole or not at all,
    and not when every byte is the same already.
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
    try:
        with whole_folder(target) as folder:
            for name, content in _contents(target, made):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                write_file(folder / name, content)
            known = sorted({*about["files"], *made})
            hashes = {name: file_hash(folder / name) for name in known}
            write_json(folder / RUN_FILE, {**about, "files": hashes})
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{target} cannot be written: {reason}") from None


def _contents(target: Path, made: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for name in names_in(target):
        if name != RUN_FILE and name not in made:
            yield name, (target / name).read_bytes()
    yield from made.items()
