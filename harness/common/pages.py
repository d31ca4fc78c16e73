"""Pages of HTML: one way to fill a template, with one look for all of them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from harness.common.words import setting_text


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
