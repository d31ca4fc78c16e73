"""Response laws that do to their process what no law should."""

import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from time import sleep

import numpy as np


@dataclass(frozen=True)
class Good:
    """Half a saturating curve, the best delay at 30 ms."""

    size_frac: float = 0.08

    def gain(self, train, patient):
        near = np.exp(-0.5 * ((np.asarray(train.delay_ms) - 30.0) / 15.0) ** 2)
        size = patient.muscle.scaled(self.size_frac) * train.n_leads / 2
        return size * np.tanh(train.amplitude_v / 7.5) * near

    @classmethod
    def draw(cls, rng):
        return cls(rng.uniform(0.04, 0.12))


# --- those that do harm and answer, for what they spoil is their own


class Spoils(Good):
    def gain(self, train, patient):
        os.chdir("/")
        os.environ.clear()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        np.seterr(all="raise")
        np.median = lambda *a, **k: 0.0
        print("x" * 100_000)  # noqa: T201
        return Good.gain(self, train, patient)


class LeavesChildren(Good):
    def gain(self, train, patient):
        if os.fork() == 0:
            os.setsid()
            sleep(600)
            os._exit(0)
        return Good.gain(self, train, patient)


class WritesIntoTrain(Good):
    def gain(self, train, patient):
        found = Good.gain(self, train, patient)
        np.asarray(train.amplitude_v)[...] = 0.0
        return found


class GoodToo(Good):
    pass


HARMLESS = (Spoils, LeavesChildren, WritesIntoTrain, GoodToo)

# --- those that come to nothing


class Leaves(Good):
    def gain(self, train, patient):
        os._exit(0)


class LeavesUnblocked(Good):
    """Leaves, unless it is asked about a muscle under some beta-blockade."""

    def gain(self, train, patient):
        if patient.muscle.beta_block_factor == 1.0:
            os._exit(0)
        return Good.gain(self, train, patient)


class LeavesPolitely(Good):
    def gain(self, train, patient):
        sys.exit(3)


class Crashes(Good):
    def gain(self, train, patient):
        ctypes.string_at(0)


class KillsItsGroup(Good):
    def gain(self, train, patient):
        os.killpg(0, signal.SIGKILL)


class Takes30Gb(Good):
    def gain(self, train, patient):
        return np.ones(30 * 2**30, dtype=np.uint8)


class Raises(Good):
    def gain(self, train, patient):
        raise ValueError(b"no-such-\xff.csv".decode("utf-8", "surrogateescape"))


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError


class RaisesWhatHasNoText(Good):
    def gain(self, train, patient):
        raise MuteError


class NotFinite(Good):
    def gain(self, train, patient):
        return np.nan * Good.gain(self, train, patient)


class WrongShape(Good):
    def gain(self, train, patient):
        return np.zeros(3)


class NoNumbers(Good):
    def gain(self, train, patient):
        return ["much"] * 3


class TakesAllElastance(Good):
    def gain(self, train, patient):
        return Good.gain(self, train, patient) - 1.5


class GainsFromNothing(Good):
    def gain(self, train, patient):
        return 0.1 + 0.0 * np.asarray(train.delay_ms) + 0.0 * train.amplitude_v


class DrawRaises(Good):
    @classmethod
    def draw(cls, rng):
        raise LookupError("no such patient")


FAILED = {
    Leaves: "its process ended with exit code 0",
    LeavesPolitely: "SystemExit: 3 (bad_laws.py:",
    Crashes: "its process was killed by SIGSEGV",
    KillsItsGroup: "its process was killed by SIGKILL",
    Takes30Gb: "Unable to allocate 30.0 GiB",
    Raises: "ValueError: no-such-\N{REPLACEMENT CHARACTER}.csv (bad_laws.py:",
    RaisesWhatHasNoText: "MuteError: its text cannot be had, RuntimeError",
    NotFinite: "must return finite gains, got nan",
    WrongShape: "must return a gain for each train, shape",
    NoNumbers: "ValueError: could not convert string to float",
    TakesAllElastance: "must leave the heart some elastance, gains above -1, got -1",
}


class Loops(Good):
    def gain(self, train, patient):
        while True:
            pass


class PrintsForEver(Good):
    def gain(self, train, patient):
        while True:
            print("hello")  # noqa: T201


class StopsItself(Good):
    def gain(self, train, patient):
        os.kill(os.getpid(), signal.SIGSTOP)


OVERDUE = (Loops, PrintsForEver, StopsItself)
