"""Windows of the live page without a browser, in a process of their own.

`python -m bench.windows URL TOKEN...` sits down at each seat, lets the clock run at the
patient's own pace and takes what comes, until its input ends; then it tells how many
pieces of strips came and how many samples were missing between them.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.typing import Origin

AT_PACE: Final = json.dumps({"do": "pace", "pace": "1"})


class Window:
    """One window; counts pieces, and samples that are missing between them."""

    def __init__(self) -> None:
        self.n_pieces = self.n_lost = 0
        self._next: int | None = None

    async def look_on(self, url: str, token: str) -> None:
        """Take what comes, for ever."""
        where = url.replace("http", "ws", 1) + f"seat/{token}"
        async with connect(
            where, origin=Origin(url.rstrip("/")), max_size=None
        ) as socket:
            await socket.send(AT_PACE)
            async for line in socket:
                told = json.loads(line)
                if told["type"] == "tick" and told["piece"] is not None:
                    self._take(told["piece"])

    def _take(self, piece: dict[str, Any]) -> None:
        first = round(piece["start_s"] * piece["hz"])
        if self._next is not None:
            self.n_lost += abs(first - self._next)
        self._next = first + len(piece["ecg"])
        self.n_pieces += 1


async def _look_on(url: str, tokens: Sequence[str]) -> tuple[int, int]:
    windows = [Window() for _ in tokens]
    both = zip(windows, tokens, strict=True)
    tasks = [asyncio.create_task(w.look_on(url, token)) for w, token in both]
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()  # a window that was shut out says why
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sum(w.n_pieces for w in windows), sum(w.n_lost for w in windows)


if __name__ == "__main__":
    print(*asyncio.run(_look_on(sys.argv[1], sys.argv[2:])))
