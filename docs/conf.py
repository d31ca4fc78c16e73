"""The site: `make docs`. Sphinx, since it is kept, reads docstrings and runs examples.

The Markdown of this folder is the site, and the examples are executed while it is
built; a warning is an error. Nothing is fetched from anywhere.
"""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from harness.catalogue import overrides_told
from sim import known_phenotypes

sys.path.insert(0, str(Path(__file__).parent))  # figure_scraper

project = "ccmlab"
author = copyright = "the ccmlab authors"
release = version_of("ccmlab")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "tutorials",
    "gallery",
    "**/README.rst",
    "**/sg_execution_times.rst",
]
html_theme = "furo"
html_title = "ccmlab"
html_copy_source = False
html_extra_path = ["report.schema.json", "stream.schema.json"]
default_role = "code"  # docstrings write `name` for code
nitpicky = False

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what types cannot
napoleon_google_docstring = False
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "gallery"],
    "gallery_dirs": ["made/tutorials", "made/gallery"],
    "filename_pattern": r"/\w+\.py$",
    "image_scrapers": ("figure_scraper.figures",),
    "reset_modules": (),
    "capture_repr": ("_repr_html_", "__repr__"),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

BESIDE = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
"""Pages whose text lies beside this folder."""
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#:]+)(#[^)]*)?\)")


def _overrides():
    """Return the table of what a patient may override, from the code itself."""
    names = list(known_phenotypes())
    yield f"| name and meaning | range | {' | '.join(names)} |"
    yield f"|---|---|{'---|' * len(names)}"
    for name, meaning, allowed, own in overrides_told():
        values = " | ".join(own[who] for who in names)
        yield f"| `{name}`: {meaning} | {allowed} | {values} |"


MADE = {"<!-- overrides: made when the site is built -->": _overrides}
"""Marks in pages whose place is taken by what the code says."""


def _on_the_site(app, name, source):
    """Read what lies beside this folder, and lead every link to a page of the site."""
    for mark, lines in MADE.items():
        if mark in source[0]:
            source[0] = source[0].replace(mark, "\n".join(lines()))
            app.env.note_reread()  # the code may change while the page does not
    root, place = Path(app.srcdir).parent, Path(app.srcdir) / f"{name}.md"
    if name in BESIDE:
        place = root / BESIDE[name]
        source[0] = place.read_text(encoding="utf-8")
    pages = {root / file: page for page, file in BESIDE.items()}

    def linked(match):
        text, target, anchor = match[1], match[2], match[3] or ""
        meant = (place.parent / target).resolve()
        if meant in pages:
            return f"[{text}](/{pages[meant]}.md)"
        if not meant.is_relative_to(app.srcdir):
            return text  # code and results are no pages
        return f"[{text}](/{meant.relative_to(app.srcdir)}{anchor})"

    source[0] = _LINK.sub(linked, source[0])


def setup(app):
    """Register what this file adds to Sphinx."""
    app.connect("source-read", _on_the_site)
