"""How an object shows itself: a few lines of text, or a small table of HTML."""

from collections.abc import Iterable, Sequence
from html import escape


def cell_text(value: object) -> str:
    """Return a cell as a reader wants it: four digits of a number."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def html_table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], caption: str
) -> str:
    """Return a table; whatever its texts hold, none of it is taken for a tag."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell_text(v))}</td>' for v in row)}</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
