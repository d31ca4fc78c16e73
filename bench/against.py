"""Speed of this checkout against another revision: `python -m bench.against REV`.

The other revision is checked out beside, and measured by the measurements of this
checkout. They take turns, A B A B; each figure is the ratio of this checkout to the
other, the geometric mean of the pairs with its 95 % interval. What the other revision
cannot be asked for, or not in the time given, is told.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
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
S_PER_MIN = 60.0
Figures = Mapping[str, float]


class UnmeasuredError(Exception):
    """A measurement that a revision has no answer to, and why, in a line."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the ratio of every time that both revisions could be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.against", description=__doc__
    )
    parser.add_argument("revision", help="what `git worktree add` takes")
    parser.add_argument("names", nargs="*", default=USUAL, metavar="NAME")
    parser.add_argument("--pairs", type=int, default=5, help="2 or more (default: 5)")
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="at most (default: 30)"
    )
    asked = parser.parse_args(arguments)
    if asked.pairs < LEAST_PAIRS:
        parser.error(f"--pairs must be {LEAST_PAIRS} or more, got {asked.pairs}")
    until_s = time.monotonic() + asked.minutes * S_PER_MIN
    with checked_out(asked.revision) as other:
        trees = {asked.revision: other, "this checkout": ROOT}
        found = [taken(trees, name, asked.pairs, until_s) for name in asked.names]
    print(f"this checkout beside {asked.revision}, {asked.pairs} pairs at most")
    print("\n".join(line for told in found for line in told))


def taken(
    trees: Mapping[str, Path], name: str, n_pairs: int, until_s: float
) -> list[str]:
    """Return what to tell of one measurement, by turns in two trees until a time.

    A pair is begun while there is time for one as long as the last; without two of
    them, or where a tree cannot be measured, that is told instead.
    """
    pairs: list[tuple[Figures, Figures]] = []
    began_s = time.monotonic()
    try:
        while len(pairs) < n_pairs:
            pair_s, now_s = time.monotonic() - began_s, time.monotonic()
            if pairs and now_s + pair_s > until_s:
                break
            began_s = now_s
            told = f"{name}: pair {len(pairs) + 1} of {n_pairs}"
            print(told, file=sys.stderr, flush=True)
            first, second = (
                measured(tree, name, called=called, until_s=until_s)
                for called, tree in trees.items()
            )
            pairs.append((first, second))
    except UnmeasuredError as error:
        if len(pairs) < LEAST_PAIRS:
            return [f"{name}: not compared, {error}"]
    if len(pairs) < LEAST_PAIRS:
        return [f"{name}: not compared, there was time for one pair; --minutes"]
    return [f"{name}, {len(pairs)} pairs", *lines(pairs)]


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


def measured(tree: Path, name: str, *, called: str, until_s: float) -> Figures:
    """Return every time of a measurement in loops, of the code in `tree`.

    UnmeasuredError where it fails there, such as for a name that the code lacks, or is
    not over by the time `until_s` of the monotonic clock.
    """
    with TemporaryDirectory() as folder:
        bench, figures = Path(folder) / "bench", Path(folder) / "figures.json"
        bench.symlink_to(ROOT / "bench")
        path = os.pathsep.join((folder, str(tree)))
        environment = {**os.environ, "PYTHONPATH": path}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "bench", "--json", str(figures), name]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=max(until_s - time.monotonic(), 1.0),
            )
        except subprocess.TimeoutExpired:
            raise UnmeasuredError(f"the time was over in {called}; --minutes") from None
        if not figures.is_file():
            why = (done.stderr.strip() or "no figures").splitlines()[-1]
            raise UnmeasuredError(f"{called} cannot be measured: {why}")
        told = json.loads(figures.read_text(encoding="utf-8"))
    return {row: found["loops"] for row, found in told.items() if found["loops"]}


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
