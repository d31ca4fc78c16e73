"""Speed of this checkout against another revision: `python -m bench.against REV`.

The other revision is checked out beside, and measured by the measurements of this
checkout. They take turns, A B A B; each figure is the ratio of this checkout to the
other, the geometric mean of the pairs with its 95 % interval.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

from scipy.stats import t as student

ROOT = Path(__file__).resolve().parents[1]
USUAL = ("heart", "visit")
LEAST_PAIRS = 2
CONFIDENCE = 0.95
Figures = Mapping[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the ratio of every time that both revisions could be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.against", description=__doc__
    )
    parser.add_argument("revision", help="what `git worktree add` takes")
    parser.add_argument("names", nargs="*", default=USUAL, metavar="NAME")
    parser.add_argument("--pairs", type=int, default=5, help="2 or more (default: 5)")
    asked = parser.parse_args(arguments)
    if asked.pairs < LEAST_PAIRS:
        parser.error(f"--pairs must be {LEAST_PAIRS} or more, got {asked.pairs}")
    with checked_out(asked.revision) as other:
        pairs = []
        for number in range(1, asked.pairs + 1):
            print(f"pair {number} of {asked.pairs}", file=sys.stderr, flush=True)
            pairs.append((measured(other, asked.names), measured(ROOT, asked.names)))
    print(f"this checkout beside {asked.revision}, {asked.pairs} pairs")
    print("\n".join(lines(pairs)))


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Give a folder with another revision, to be taken away afterwards."""
    with TemporaryDirectory(prefix="ccmlab-against-") as folder:
        place = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(place), revision)
        try:
            yield place
        finally:
            _git("worktree", "remove", "--force", str(place))


def _git(*words: str) -> None:
    subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True)


def measured(tree: Path, names: Sequence[str]) -> Figures:
    """Return every time of the named measurements in loops, of the code in `tree`."""
    with TemporaryDirectory() as folder:
        bench, figures = Path(folder) / "bench", Path(folder) / "figures.json"
        bench.symlink_to(ROOT / "bench")
        path = os.pathsep.join((folder, str(tree)))
        environment = {**os.environ, "PYTHONPATH": path}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "bench", "--json", str(figures), *names]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True
        )
        if not figures.is_file():
            raise RuntimeError(f"{tree} cannot be measured:\n{done.stderr}")
        told = json.loads(figures.read_text(encoding="utf-8"))
    return {name: row["loops"] for name, row in told.items() if row["loops"]}


def lines(pairs: Sequence[tuple[Figures, Figures]]) -> list[str]:
    """Return a line for each figure that every pair has: ratio and interval."""
    common = set.intersection(*(set(a) & set(b) for a, b in pairs))
    told = []
    for name in [name for name in pairs[0][1] if name in common]:
        ratio, low, high = ratio_of([(a[name], b[name]) for a, b in pairs])
        before = mean(a[name] for a, _ in pairs)
        after = mean(b[name] for _, b in pairs)
        figures = f"{before:10.4g} -> {after:10.4g} loops"
        told.append(f"{name:<64} {figures}  x {ratio:.3f} ({low:.3f} to {high:.3f})")
    return told


def ratio_of(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the ratio of second to first, low and high end of its interval."""
    logs = [math.log(b / a) for a, b in pairs]
    within = student.ppf(0.5 + CONFIDENCE / 2.0, len(logs) - 1)
    half = float(within) * stdev(logs) / math.sqrt(len(logs))
    low, middle, high = (math.exp(mean(logs) + x) for x in (-half, 0.0, half))
    return middle, low, high


if __name__ == "__main__":
    main()
