"""What is made after a visit, in a process of its own: debrief, report, hand-out.

Drawing a report takes seconds of pure work; the visits of others go on meanwhile.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.clinic.apart import Apart
from harness.clinic.debrief import debrief_of, warm_up, write_visit
from harness.play.stream.actions import ActionLog

REPORT: Final = "report"
HAND_OUT: Final = "hand-out"
FILES: Final = ("report.html", "report.pdf")
"""What may be asked for of either folder."""


@dataclass(frozen=True, slots=True)
class Written:
    """The folders of a visit that is over: the teacher's, and the one to give away."""

    report: Path
    hand_out: Path

    def file(self, which: str, name: str) -> Path | None:
        """Return a file that may be asked for, None for any other."""
        folders = {REPORT: self.report, HAND_OUT: self.hand_out}
        if which not in folders or name not in FILES:
            return None
        return folders[which] / name


class Afterwards:
    """Makes debriefs and folders, one after the other, away from the visits.

    `out` is the folder that the folders of visits go to.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._apart = Apart()
        self._waiting = ThreadPoolExecutor(1, "ccmlab-clinic-apart")

    def prepare(self) -> None:
        """Start the process, so that it is ready when the first visit is over."""
        self._waiting.submit(self._apart.call, warm_up)

    async def debrief(
        self, log: ActionLog, predicted: Mapping[int, str]
    ) -> dict[str, Any]:
        """Return the parts of a debrief, those that hold the truth included.

        `predicted` is what was predicted of each test, by its number.
        """
        told: dict[str, Any] = await self._call(debrief_of, log, dict(predicted))
        return told

    async def write(self, log: ActionLog) -> Written:
        """Write a visit as `ccmlab run` does, and its hand-out."""
        mark = secrets.token_hex(3)
        name = f"{log.scenario_name}-seed{log.seed}-{mark}"
        written = Written(self._out / name, self._out / f"{HAND_OUT}-{mark}")
        await self._call(write_visit, log, written.report, written.hand_out)
        return written

    def close(self) -> None:
        """End the process, and what waits for it."""
        self._apart.close()
        self._waiting.shutdown(cancel_futures=True)

    async def _call(self, work: Callable[..., Any], *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._waiting, self._apart.call, work, *args)
