"""Pages of HTML: one way to fill a template, with one look for all of them."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

from jinja2 import (
    BytecodeCache,
    ChoiceLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
)
from jinja2.bccache import Bucket

from harness.common.kept import Shelf, made_by
from harness.common.words import setting_text

_SHELF: Final = Shelf("templates", 2048)


class KeptTemplates(BytecodeCache):
    """Compiled templates of the user's cache: to compile them takes ten times as long.

    Named by their text, by jinja, Python, and what a template may have had worked out
    when it was compiled.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what is kept for a template, if anything is."""
        key = _key(bucket)
        content = None if key is None else _SHELF.get(key)
        if content is not None:
            bucket.bytecode_from_string(content)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled."""
        key = _key(bucket)
        if key is not None:
            _SHELF.put(key, bucket.bytecode_to_string())


def _key(bucket: Bucket) -> str | None:
    makers = _makers()
    told = f"{makers} {bucket.key} {bucket.checksum}"
    return None if makers is None else sha256(told.encode()).hexdigest()


@cache
def _makers() -> str | None:
    made = made_by("harness/common", "harness/report/html.py")
    return None if made is None else f"{version('jinja2')} {made}"


@cache
def environment(*rooms: str) -> Environment:
    """Return the templates of packages beside the shared ones of `harness.common`.

    Text is escaped unless it is marked as HTML; a name that a template does not know
    is an error. A value of a setting is shown by the filter `setting`.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(room) for room in _once(*rooms)]),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=KeptTemplates(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["setting"] = setting_text
    return made


def _once(*rooms: str) -> dict[str, None]:
    return dict.fromkeys((*rooms, "harness.common"))


def filled(room: str, template: str, values: Mapping[str, Any]) -> str:
    """Return a page; the same values give the same text, character by character."""
    return environment(room).get_template(template).render(values)
