"""Takes the figures that an example made, which pyplot knows nothing of."""

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

SHOWN_DPI = 150


def figures(block, block_vars, gallery_conf):
    """Save each new `Figure` of a block and return what shows it on the page."""
    namespace = block_vars["example_globals"]
    shown = namespace.setdefault("__shown_figures__", set())
    paths = []
    for name, value in list(namespace.items()):
        if isinstance(value, Figure) and (name, id(value)) not in shown:
            shown.add((name, id(value)))
            path = next(block_vars["image_path_iterator"])
            value.savefig(path, dpi=SHOWN_DPI)
            paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"])
