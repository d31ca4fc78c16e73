"""What is said of a study in sentences: who came, what came out, what to beware of."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from harness.common.words import NOT_AVAILABLE, between
from harness.study.judging.board import Judged, Line
from harness.study.judging.layout import number_text
from harness.study.judging.metrics import METRICS
from harness.study.judging.numbers import Estimate
from harness.study.judging.paired import KEPT
from sim.units import S_PER_MIN
from sim.visit.start import GIVEN

CAUTIONS = (
    "Virtual patients, whose dose-response is an assumed law: ranks hold for these "
    "patients, this noise and this visit, and for nobody's care.",
    "The best of many contenders is chosen by the same visits that show its lead, "
    "which flatters it. Run it again on patients of another seed before believing the "
    "lead.",
    "p values are adjusted after Holm within one table, not across tables.",
)

INCOMPLETE = (
    "The study is not complete: contenders may not have seen the same patients, so "
    "only what is saved against the baseline is a fair comparison."
)


def with_interval(name: str, found: Estimate) -> str:
    """Return a metric in a sentence, with unit and interval."""
    metric = METRICS[name]
    if not found.known:
        return NOT_AVAILABLE
    unit = f" {metric.unit}" if metric.unit else ""
    text = f"{number_text(metric, found.value)}{unit}"
    if not isfinite(found.low):
        return text
    limits = between(found.low, found.high, metric.digits)
    return f"{text} (95 % interval {limits})"


def headline(judged: Judged) -> str:
    """Return in one paragraph what the study shows at its middle budget."""
    tables = (
        judged.table(judged.main.name, plan, judged.budget_min) for plan in judged.plans
    )
    table = next(filter(None, tables), ())
    said = _headline(judged, table) if table else "No visit at the middle budget."
    if judged.study.tables.manifest.get("complete", True):
        return said
    return f"{said} {INCOMPLETE}"


def _headline(judged: Judged, table: Sequence[Line]) -> str:
    able = [line for line in table if not line.is_told] or list(table)
    first = next((line for line in able if not line.is_baseline), able[0])
    share = first["points_lost_share_pct"]
    said = [
        f"{start_words(judged)}at {first.budget_min:g} minutes, plan {first.plan}, "
        f"{judged.main.title}: "
        f"{first.contender} loses least of {len(able)} contenders, "
        f"{with_interval('points_lost_mean', first['points_lost_mean'])} of utility a "
        f"patient, {with_interval('points_lost_share_pct', share)} of the span"
    ]
    saved = first["saved_mean_points"]
    if saved.known:
        said.append(
            f"; against {judged.baseline} it saves "
            f"{with_interval('saved_mean_points', saved)}, mean over patients"
        )
    whole = _of_everybody(judged, first)
    said.append(
        f"; harmed: {with_interval('harmed_pct', whole['harmed_pct'])} of "
        f"{whole.n_visits} visits of {judged.everybody.title}."
    )
    if ceilings := [line for line in table if line.is_told]:
        lost = with_interval("points_lost_mean", ceilings[0]["points_lost_mean"])
        said.append(
            f" Told the patient's law, which nobody can know, {ceilings[0].contender} "
            f"loses {lost}: a ceiling, no contender."
        )
    if able[0].is_baseline:
        said.append(f" No contender is ahead of the baseline {judged.baseline}.")
    return capital("".join(said))


def capital(sentence: str) -> str:
    """Return a sentence that begins with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def start_words(judged: Judged) -> str:
    """Return how a sentence about visits of a named start begins; else nothing."""
    return "" if judged.start == GIVEN else f"device found at start {judged.start}, "


def _of_everybody(judged: Judged, line: Line) -> Line:
    """Return the line of the same contender over everybody, ranked or not."""
    table = judged.table(judged.everybody.name, line.plan, line.budget_min)
    return next(one for one in table if one.contender == line.contender)


def together(judged: Judged) -> str:
    """Return what all visits of everybody say of verdicts and intervals."""
    said = [
        f"{what} {with_interval(name, judged.together[name])}, n "
        f"{judged.together[name].n}"
        for name, what in (
            ("coverage_pct", "95 % intervals that hold the truth"),
            ("coverage_improved_pct", "among visits called improved"),
            ("null_improved_pct", "null patients called improved"),
        )
        if judged.together[name].known
    ]
    if not said:
        return "No verification was read."
    return f"All visits in {judged.everybody.title}, together: {'; '.join(said)}."


def facts(judged: Judged) -> Iterator[tuple[str, str]]:
    """Yield label and text of what made the study."""
    manifest, study = judged.study.tables.manifest, judged.study.tables.study
    visits = judged.visits
    yield "Title", str(study.get("title", manifest.get("title", judged.study.name)))
    if study.get("description"):
        yield "About", str(study["description"])
    yield "Patients", _patients(judged)
    yield "Contenders", str(len(set(visits["contender"].tolist())))
    if judged.start != GIVEN:
        yield "Start", judged.start
    yield "Plans", ", ".join(judged.plans)
    budgets = sorted(set(visits["budget_min"].tolist()))
    yield "Budgets", ", ".join(f"{budget:g} min" for budget in budgets)
    yield "Replicates", str(len(set(visits["replicate"].tolist())))
    yield "Visits", _visits(judged)
    if not judged.study.has_searches:
        yield "Searches", "none is known: what rests on single tests is not told"
    yield "Baseline", _baseline(judged)
    yield from _made(manifest)


def _patients(judged: Judged) -> str:
    visits = judged.visits
    n = len(set(visits["patient"].tolist()))
    in_af = len(set(visits["patient"][visits["in_af"]].tolist()))
    return f"{n}, of whom {in_af} in atrial fibrillation"


def _visits(judged: Judged) -> str:
    if judged.study.tables.manifest.get("complete", True):
        return str(judged.visits["key"].size)
    n = judged.study.tables.visits["key"].size
    planned = judged.study.tables.manifest.get("n_visits", n)
    return f"{n} of {planned} planned: the study is not complete"


def _baseline(judged: Judged) -> str:
    if judged.baseline == KEPT:
        return "the reference kept, known from the truth: no contender called stay"
    return judged.baseline


def _made(manifest: Any) -> Iterator[tuple[str, str]]:
    if "wall_s" in manifest:
        text = f"{float(manifest['wall_s']) / S_PER_MIN:.1f} min wall time"
        if "cpu_s" in manifest:
            text += f", {float(manifest['cpu_s']) / S_PER_MIN:.1f} min of processor"
        yield "Took", text
    machine = manifest.get("processor")
    if isinstance(machine, dict):
        cores = machine.get("n_cores", "?")
        yield "Machine", f"{machine.get('name', 'unknown')}, {cores} cores"
    if manifest.get("git_revision"):
        yield "Revision", str(manifest["git_revision"])
    if isinstance(manifest.get("versions"), dict):
        known = manifest["versions"].items()
        yield "Versions", ", ".join(f"{name} {value}" for name, value in known)
