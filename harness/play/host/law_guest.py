"""What the host of a response law does: reads its code, answers in gains."""

import sys
from collections.abc import Mapping
from typing import Any

from harness.play.host.frames import Frame
from harness.play.host.guest import limit_memory
from harness.play.host.law_values import inputs_of, train_of
from optimizers.problem import error_told
from sim.law.code import LawModule
from sim.law.response_law import LawFailedError, UnknownLawError
from sim.streams import generator_of, generator_told


class LawGuest:
    """The law that is asked."""

    def __init__(self) -> None:
        self._law: LawModule | None = None

    def answer(self, frame: Frame) -> Frame:
        """Return the answer to one frame; whatever is raised is an answer."""
        try:
            return self._answer(frame)
        except UnknownLawError as error:
            return Frame(frame.number, "unknown", {"text": str(error)})
        except LawFailedError as error:
            return Frame(frame.number, "raised", {"text": str(error)})
        except BaseException as error:  # noqa: BLE001 anybody's code runs here
            return Frame(frame.number, "broke", {"text": error_told(error)})

    def _answer(self, frame: Frame) -> Frame:
        match frame.kind:
            case "law":
                return Frame(frame.number, "read", self._read(frame.told))
            case "make":
                return Frame(frame.number, "made", self._made(frame.told))
            case "gain":
                gains = self._module().gain(
                    str(frame.told["how"]),
                    train_of(frame.told["train"], frame.arrays),
                    inputs_of(frame.told["patient"]),
                )
                return Frame(frame.number, "gains", arrays={"gains": gains})
        raise ValueError(f"no question: {frame.kind}")

    def _read(self, told: Mapping[str, Any]) -> dict[str, Any]:
        limit_memory(int(told["memory_bytes"]))
        sys.path[:] = told["path"]
        self._law = LawModule(str(told["word"]))
        return {"summary": self._law.summary}

    def _made(self, told: Mapping[str, Any]) -> dict[str, Any]:
        if told["rng"] is None:
            made, after = self._module().make(), None
        else:
            rng = generator_of(told["rng"])
            made, after = self._module().make(rng), generator_told(rng)
        return {"how": made.how, "constants": made.constants, "rng": after}

    def _module(self) -> LawModule:
        if self._law is None:
            raise ValueError("nothing was read")
        return self._law
