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
_MOST_NAMED: Final = 5


class ClusterError(RuntimeError):
    """A cluster cannot be used, or was lost."""


class DaskCrew:
    """The workers of a cluster; each of their threads has a child of its own."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._checked: set[str] = set()
        self._executor: Executor = client.get_executor(pure=False)

    @property
    def executor(self) -> Executor:
        """Takes chunks."""
        return self._executor

    def n_workers(self) -> int:
        """Return how many threads the workers have in all, 0 while there is none.

        Raises ClusterError when the scheduler is gone, or when a worker that has come
        meanwhile does not run the same.
        """
        try:
            threads: Mapping[str, int] = self._client.nthreads()
            self._check_those_who_came(set(threads))
        except ClusterError:
            raise
        except (OSError, RuntimeError, AttributeError) as error:
            raise ClusterError(
                f"the dask scheduler at {self._address} is gone "
                f"({type(error).__name__}); what is done is kept, "
                "the same command goes on"
            ) from None
        return sum(threads.values())

    def _check_those_who_came(self, workers: set[str]) -> None:
        late = workers - self._checked
        if late:
            check_versions(self._client, sorted(late))
            self._checked |= late

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
    # that the scheduler is gone is said once, by us
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
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
