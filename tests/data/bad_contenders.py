"""Contenders that do to their process what no contender should."""

import ctypes
import gc
import os
import signal
import sys
import time
import warnings
from contextlib import suppress

import numpy as np

# --- those that do harm and search on, for what they spoil is their own


def floating_point_errors(problem, rng):
    np.seterr(all="raise")
    yield problem.reference
    yield problem.point(amplitude_v=6.0)


def changed_folder(problem, rng):
    os.chdir("/")
    os.umask(0o777)
    yield problem.reference
    yield problem.point(amplitude_v=6.0)


def changed_environment(problem, rng):
    os.environ.clear()
    yield problem.reference
    yield problem.point(amplitude_v=6.0)


def patched(problem, rng):
    np.median = lambda *a, **k: 0.0
    from harness.truth import score

    score.Scorer.regret_pct = lambda *a, **k: 0.0
    yield problem.reference
    yield problem.point(amplitude_v=6.0)


def warnings_as_errors(problem, rng):
    warnings.simplefilter("error")
    yield problem.reference
    yield problem.point(amplitude_v=6.0)


def deaf_to_signals(problem, rng):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    yield problem.reference
    yield problem.point(amplitude_v=6.0)


def leaves_children(problem, rng):
    yield problem.reference
    for has_session in (False, True):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if has_session:
                os.setsid()
                if os.fork():
                    os._exit(0)
            time.sleep(600)
            os._exit(0)
    yield problem.point(amplitude_v=6.0)


def doubles_itself(problem, rng):
    yield problem.reference
    os.fork()
    yield problem.point(amplitude_v=6.0)


def prints_much(problem, rng):
    yield problem.reference
    for _ in range(2000):
        print("x" * 100)  # noqa: T201
    os.write(1, b"ccm1" + b"y" * 100_000)
    sys.stderr.write("z" * 100_000)
    yield problem.point(amplitude_v=6.0)


HARMLESS = (
    floating_point_errors,
    changed_folder,
    changed_environment,
    patched,
    warnings_as_errors,
    deaf_to_signals,
    leaves_children,
    doubles_itself,
    prints_much,
)

# --- those that come to nothing


def closes_everything(problem, rng):
    yield problem.reference
    os.closerange(0, 256)
    yield problem.reference


def leaves_at_once(problem, rng):
    yield problem.reference
    os._exit(0)


def leaves_politely(problem, rng):
    yield problem.reference
    sys.exit(0)


def leaves_with_3(problem, rng):
    yield problem.reference
    sys.exit(3)


def interrupts(problem, rng):
    yield problem.reference
    raise KeyboardInterrupt


def crashes(problem, rng):
    yield problem.reference
    ctypes.string_at(0)


def stops_itself(problem, rng):
    yield problem.reference
    os.kill(os.getpid(), signal.SIGSTOP)


def kills_its_group(problem, rng):
    yield problem.reference
    os.killpg(0, signal.SIGKILL)


def takes_30_gb(problem, rng):
    yield problem.reference
    np.ones(30 * 2**30, dtype=np.uint8)


def loops(problem, rng):
    yield problem.reference
    while True:
        pass


def prints_for_ever(problem, rng):
    yield problem.reference
    while True:
        print("hello")  # noqa: T201


def outlived_by_its_child(problem, rng):
    yield problem.reference
    if os.fork() == 0:
        time.sleep(600)
    os._exit(1)


def raises_a_surrogate(problem, rng):
    yield problem.reference
    raise ValueError(b"no-such-\xff.csv".decode("utf-8", "surrogateescape"))


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError


def raises_what_has_no_text(problem, rng):
    yield problem.reference
    raise MuteError


def looks_for_a_patient(problem, rng):
    found = [one for one in gc.get_objects() if type(one).__name__ == "Patient"]
    yield problem.reference
    raise LookupError(f"{len(found)} patients")


def asks_nonsense(problem, rng):
    yield [problem.reference]


def swallows_everything(problem, rng):
    while True:
        with suppress(BaseException):
            yield problem.reference


def eats_its_stack(problem, rng):
    yield problem.reference
    sys.setrecursionlimit(60)

    def deeper():
        return deeper()

    deeper()


FAILED = {
    closes_everything: "its process closed the line to the visit",
    leaves_at_once: "its process ended with exit code 0",
    leaves_politely: "SystemExit: 0 (bad_contenders.py:",
    leaves_with_3: "SystemExit: 3 (bad_contenders.py:",
    interrupts: "KeyboardInterrupt",
    crashes: "its process was killed by SIGSEGV",
    kills_its_group: "its process was killed by SIGKILL",
    takes_30_gb: "Unable to allocate 30.0 GiB",
    outlived_by_its_child: "its process ended with exit code 1",
    raises_a_surrogate: "ValueError: no-such-\N{REPLACEMENT CHARACTER}.csv",
    raises_what_has_no_text: "MuteError: its text cannot be had, RuntimeError",
    looks_for_a_patient: "LookupError: 0 patients",
    asks_nonsense: "a point is a tuple of",
    swallows_everything: "generator ignored GeneratorExit",
    eats_its_stack: "RecursionError",
}
OVERDUE = (stops_itself, loops, prints_for_ever)
