"""The works that one run rests on, to be cited: as BibTeX or as plain text."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import Final

from harness.archive.run_folder import RUN_FILE, read_run
from harness.common.files import read_json
from harness.report.sections.provenance import Provenance, ReferenceRow, SourceRow
from sim.sources import Reference, references

_ESCAPED: Final = str.maketrans(
    {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}
)
_WIDTH: Final = 88
_HANGING: Final = "    "
_MOST_NAMED: Final = 8


def stored_provenance(folder: str | Path) -> Provenance:
    """Return the numbers of a stored run, or of all visits of a course and its law.

    Raises BrokenRunError, saying what is missing or was changed.
    """
    visits = [path.parent for path in sorted(Path(folder).glob(f"visit-*/{RUN_FILE}"))]
    if not visits:
        return read_run(folder).report.numbers
    found = [read_run(visit).report.numbers for visit in visits]
    rows = [row for provenance in found for row in provenance.rows]
    return Provenance(
        statement=f"{len(visits)} visits and what happened between them.",
        rows=tuple(dict.fromkeys([*rows, *_law(Path(folder))])),
        references=tuple(dict.fromkeys(w for part in found for w in part.references)),
    )


def _law(folder: Path) -> Iterator[SourceRow]:
    """Yield the numbers of the chronic law, which no single visit uses."""
    with (folder / "provenance.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield SourceRow.model_validate({"part": "chronic law", **row})


def bibtex(provenance: Provenance) -> str:
    """Return one BibTeX entry for each work that the run used, keys in order."""
    return "\n\n".join(_entry(work) for work, _ in _used(provenance))


def plain_text(provenance: Provenance) -> str:
    """Return one paragraph for each work: the work, and what the run took from it."""
    return "\n\n".join(
        fill(f"[{work.key}] {_sentence(work)}", _WIDTH, subsequent_indent=_HANGING)
        + "\n"
        + fill(
            _taken(rows), _WIDTH, initial_indent=_HANGING, subsequent_indent=_HANGING
        )
        for work, rows in _used(provenance)
    )


def software(folder: str | Path) -> Reference:
    """Return ccmlab itself, in the version that a stored run or course was made by."""
    place = Path(folder)
    files = [place / RUN_FILE, *sorted(place.glob(f"visit-*/{RUN_FILE}"))]
    about = read_json(next(file for file in files if file.is_file()))
    version = about["versions"]["ccmlab"]
    revision = about.get("git_revision")
    made_by = f"version {version}" + (f", revision {revision}" if revision else "")
    return replace(references()["ccmlab"], identifier=made_by)


def with_software(folder: str | Path, form: str) -> str:
    """Return what is to be cited of a stored run: ccmlab first, then the works.

    `form` is "text" or "bibtex". Raises BrokenRunError as `stored_provenance` does.
    """
    used = stored_provenance(folder)
    program = software(folder)
    if form == "bibtex":
        return f"{_entry(program)}\n\n{bibtex(used)}"
    itself = fill(f"[{program.key}] {_sentence(program)}", _WIDTH)
    return f"{itself}\n\n{plain_text(used)}"


def _used(provenance: Provenance) -> Iterator[tuple[Reference, list[SourceRow]]]:
    """Yield each work with the numbers credited to it.

    The stored run says which works; an entry that this version does not know any more
    is made of what the run stored of it.
    """
    known = references()
    stored = {row.key: _restored(row) for row in provenance.references}
    for key in sorted({row.reference for row in provenance.rows}):
        rows = [row for row in provenance.rows if row.reference == key]
        yield known.get(key) or stored[key], rows


def _restored(row: ReferenceRow) -> Reference:
    return Reference(row.key, row.title, row.authors, row.year, row.identifier)


def _entry(work: Reference) -> str:
    fields = {
        "author": work.authors,
        "title": f"{{{_escaped(work.title)}}}",
        "journal": _escaped(work.journal),
        "year": str(work.year or ""),
        "volume": work.volume,
        "pages": work.pages,
        "doi": work.doi,
        "pmid": work.pmid,
        "howpublished": "" if work.doi or work.pmid else _escaped(work.identifier),
        "note": _escaped(work.note),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{work.kind}{{{work.key},\n" + ",\n".join(lines) + "\n}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)


def _sentence(work: Reference) -> str:
    authors = work.authors.replace(" and others", " et al.").replace(" and ", "; ")
    authors = authors.strip("{}")
    where = ", ".join(
        part
        for part in (
            f"{work.journal} {work.volume}".strip(),
            str(work.year or ""),
            work.pages.replace("--", "-"),
        )
        if part
    )
    parts = (authors, work.title, where, work.identifier, work.note)
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _taken(rows: list[SourceRow]) -> str:
    """Say how many numbers came from a work, of what standing, and a few of them."""
    standings = sorted({row.standing for row in rows})
    counts = ", ".join(
        f"{sum(row.standing == word for row in rows)} {word}" for word in standings
    )
    word = "number" if len(rows) == 1 else "numbers"
    if len(rows) > _MOST_NAMED:
        return f"{len(rows)} {word}: {counts}."
    names = ", ".join(_named(row) for row in rows)
    return f"{len(rows)} {word}: {counts}: {names}."


def _named(row: SourceRow) -> str:
    value = f"{row.value} {row.unit}" if row.unit not in ("", "1") else row.value
    return f"{row.name} {value} ({row.place})"
