"""Chunks played on the workers of a dask scheduler, the same way as on this machine."""

import logging
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from harness.study.facts import asks_versions, differences, versions_here

CONNECT_S: Final = 15
WORKERS_S: Final = 60
AGAIN_S: Final = 0.2
MOST_DEATHS: Final = 8
"""Fewer than it takes dask to give one chunk up as often as we hand it out."""

IDLE_S: Final = 600
PAUSED: Final = "paused"
_MOST_NAMED: Final = 5
_N_LINES: Final = 50
_BYTES_PER_MB: Final = 1e6
_FATES: Final = ("memory budget", "was killed by", "exited with status")


class ClusterError(RuntimeError):
    """A cluster cannot be used, or was lost."""


class DaskCrew:
    """The workers of a cluster; each of their threads has a child of its own.

    A cluster that is good for nothing ends the study with its reason: one whose workers
    die again and again, are all paused or stay away, while no visit comes back.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._checked: set[str] = set()
        self._present: set[str] = set()
        self._n_deaths = 0
        self._n_given_up_for = 0
        self._last_words = ""
        self._heard_s = time.monotonic()
        self._executor: Executor = client.get_executor(pure=False)

    @property
    def executor(self) -> Executor:
        """Takes chunks."""
        return self._executor

    def n_workers(self) -> int:
        """Return how many threads the workers have in all, 0 while there is none.

        Raises ClusterError when the scheduler is gone, when a worker that has come
        meanwhile does not run the same, or when the workers are good for nothing.
        """
        try:
            threads: Mapping[str, int] = self._client.nthreads()
            self._mourn(set(threads))  # first, since a check may be what kills them
            self._check_those_who_came(set(threads))
        except ClusterError:
            raise
        except (OSError, RuntimeError, AttributeError) as error:
            raise self._lost(f"is gone ({type(error).__name__})") from None
        return sum(threads.values())

    def hear(self) -> None:
        """Note that a visit came back: whoever died, others do their work."""
        self._n_deaths = self._n_given_up_for = 0
        self._heard_s = time.monotonic()

    def miss(self, error: BaseException) -> None:
        """Note that dask gave a chunk up, after so many workers as the error tells.

        One that dies and one that comes between two looks are not seen to go.
        """
        self._n_given_up_for += getattr(error, "allowed_failures", 0) + 1

    def _check_those_who_came(self, workers: set[str]) -> None:
        late = workers - self._checked
        if late:
            check_versions(self._client, sorted(late))
            self._checked |= late

    def _mourn(self, workers: set[str]) -> None:
        """Count how often workers went since a visit came back, and end in time.

        Those that go together are let go by somebody, and count once.
        """
        gone, came = self._present - workers, workers - self._present
        self._present = workers
        self._n_deaths += bool(gone)
        if came and (self._n_deaths or self._n_given_up_for):
            self._last_words = last_words(self._client, sorted(came))
        n_deaths = max(self._n_deaths, self._n_given_up_for)
        if n_deaths >= MOST_DEATHS:
            told = self._last_words or "their nannies do not say why"
            raise self._lost(f"lost workers {n_deaths} times in a row: {told}")
        if time.monotonic() - self._heard_s > IDLE_S and self._is_idle(workers):
            how = "has only paused workers" if workers else "has no worker"
            raise self._lost(f"{how}, and no visit came back for {IDLE_S} s")

    def _is_idle(self, workers: set[str]) -> bool:
        told = self._client.scheduler_info(n_workers=-1)["workers"]
        return all(told.get(w, {}).get("status") == PAUSED for w in workers)

    def _lost(self, how: str) -> ClusterError:
        return ClusterError(
            f"the dask scheduler at {self._address} {how}; what is done is kept, "
            "the same command goes on"
        )

    def dismiss(self) -> None:
        """Let chunks that run end by themselves: others may use the same workers."""


@contextmanager
def dask_crew(address: str) -> Iterator[DaskCrew]:
    """Give the workers of a scheduler, all of which run what this process runs.

    Raises
    ------
    ClusterError
        When dask is not installed, nobody answers, no worker comes, or a worker has
        another version of what the numbers depend on.
    """
    client = _connected(address)
    try:
        crew = DaskCrew(client, address)
        crew.n_workers()  # nobody who does not run the same is given anything
        yield crew
    finally:
        client.close()


def _connected(address: str) -> Any:
    try:
        distributed: Any = import_module("distributed")  # an extra; costs seconds
    except ImportError:
        raise ClusterError(
            "dask is not installed; pip install 'ccmlab[cluster]' from the checkout"
        ) from None
    # that the scheduler is gone is said once, by us; a message on its way to it is
    # logged with a traceback
    for name in ("client", "batched"):
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    try:
        _wait_for(*distributed.comm.get_address_host_port(address))
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise ClusterError(f"no dask scheduler answers at {address}: {told}") from None
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        client.close()
        raise ClusterError(
            f"the dask scheduler at {address} has no worker after {WORKERS_S} s; "
            f"start one: dask worker {address}"
        ) from None
    return client


def _wait_for(host: str, port: int) -> None:
    """Wait for somebody to answer at a port; OSError after `CONNECT_S`.

    A client that fails to connect leaves its thread behind and gives no hold of it.
    """
    deadline_s = time.monotonic() + CONNECT_S
    while True:
        try:
            socket.create_connection((host, port), timeout=CONNECT_S).close()
            return
        except OSError:
            if time.monotonic() > deadline_s:
                raise
        time.sleep(AGAIN_S)


def last_words(client: Any, workers: Sequence[str]) -> str:
    """Return what the nannies of workers say of those before them, empty for nothing.

    A nanny outlives its workers, but is only reached while one of them is there.
    """
    try:
        logs = client.get_worker_logs(n=_N_LINES, workers=workers, nanny=True)
        told = client.scheduler_info(n_workers=-1)["workers"]
    except (OSError, RuntimeError, ValueError, LookupError):
        return ""  # they went meanwhile; the next may tell
    lines = [line for log in logs.values() for _, line in log]  # the newest first
    fates = (line for sign in _FATES for line in lines if sign in line)
    fate = next(fates, "").rpartition(" - ")[2].removesuffix(" Restarting...")
    limits = {told[w].get("memory_limit") for w in workers if w in told}
    most = max((int(limit) for limit in limits if limit), default=0)
    room = f" (a worker may take {most / _BYTES_PER_MB:.0f} MB)" if most else ""
    return f"{fate.rstrip('.')}{room}" if fate else ""


def check_versions(client: Any, workers: Sequence[str] | None = None) -> None:
    """Raise ClusterError, naming worker and version, unless all run the same.

    Of all workers, or of those named; one that is gone meanwhile does no harm.
    """
    mine = versions_here()
    found = client.run(asks_versions(), workers=workers, on_error="return")
    wrong = [
        f"worker {worker}: {', '.join(_wrong(mine, theirs))}"
        for worker, theirs in sorted(found.items())
        if _wrong(mine, theirs)
    ]
    if not wrong:
        return
    more = len(wrong) - _MOST_NAMED
    rest = [f"and {more} more workers"] if more > 0 else []
    raise ClusterError("; ".join([*wrong[:_MOST_NAMED], *rest]))


def _wrong(mine: Mapping[str, str], theirs: object) -> list[str]:
    if isinstance(theirs, Mapping):
        return differences(mine, theirs)
    if isinstance(theirs, OSError):  # of the connection
        return []
    return [f"cannot tell its versions ({type(theirs).__name__}: {theirs})"]
