"""One function gives every random stream, so that a new strategy changes no patient."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any, Final, Generic, TypeVar

import numpy as np

T = TypeVar("T")

# PROTOCOL: the number is part of the experiment; never renumber, only append.
STREAM_IDS: Final[dict[str, int]] = {
    "patient": 0,
    "rhythm": 1,
    "ectopy": 2,
    "device_ectopy": 3,
    "drift": 4,
    "reading_error": 5,
    "sensation": 6,
    "strategy": 7,
    "verification": 8,
    "post_replication": 9,
    "conduction": 10,
    "symptoms": 11,
    "arm_order": 12,
    "site": 13,
    "leads": 14,
    "course": 15,
    "sensitivity": 16,
    "strips": 17,
    "clinic_day": 18,
    "start": 19,
    "monitor": 20,
    "chart": 21,
}


def stream(
    seed: int,
    *,
    name: str,
    patient: int = 0,
    replicate: int = 0,
    key: tuple[int, ...] = (),
) -> np.random.Generator:
    """Return the generator of one named stream.

    Parameters
    ----------
    seed
        Root seed of the scenario or study, not negative.
    name
        One of `STREAM_IDS`; a ValueError names the known ones otherwise.
    patient, replicate
        Index of the patient in the cohort and of the repeated visit.
    key
        Further indices inside the stream, such as the number of a reading.
    """
    if name not in STREAM_IDS:
        known = ", ".join(STREAM_IDS)
        raise ValueError(f"name must be one of {known}, got {name!r}")
    spawn_key = (patient, replicate, STREAM_IDS[name], *key)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn_key))


class DrawMemory(Generic[T]):
    """Keeps what was drawn last: in a study many contenders meet one patient.

    Parameters
    ----------
    most
        How many draws are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[T, Any]] = OrderedDict()
        self._lock = Lock()

    def drawn(
        self,
        rng: np.random.Generator,
        what: Hashable,
        draw: Callable[[np.random.Generator], T],
    ) -> T:
        """Return `draw(rng)`, which hangs on `what` and the stream alone.

        The stream goes on as after drawing. What is returned may be handed out again:
        it must not be changed.
        """
        before = rng.bit_generator.state
        place = before["state"]
        numbers = *place.values(), before["has_uint32"], before["uinteger"]
        key = (before["bit_generator"], *numbers, what)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            rng.bit_generator.state = kept[1]
            return kept[0]
        found = draw(rng)
        with self._lock:
            self._kept[key] = found, rng.bit_generator.state
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found


def generator_told(rng: np.random.Generator) -> dict[str, Any]:
    """Return where a generator stands, as values, to go on from there elsewhere."""
    state = rng.bit_generator.state
    return {"kind": type(rng.bit_generator).__name__, "state": _listed(state)}


def generator_of(told: Mapping[str, Any]) -> np.random.Generator:
    """Return a generator that stands where it was told."""
    kinds = {kind.__name__: kind for kind in _KINDS}
    if told["kind"] not in kinds:
        raise ValueError(f"no bit generator {told['kind']}")
    rng = np.random.Generator(kinds[told["kind"]](0))
    move(rng, told)
    return rng


def move(rng: np.random.Generator, told: Mapping[str, Any]) -> None:
    """Put a generator where another one of its kind stands."""
    rng.bit_generator.state = _unlisted(told["state"])


_KINDS: Final = (
    np.random.PCG64,
    np.random.PCG64DXSM,
    np.random.MT19937,
    np.random.Philox,
    np.random.SFC64,
)


def _listed(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {name: _listed(value) for name, value in state.items()}
    if isinstance(state, np.ndarray):
        return {"dtype": state.dtype.str, "array": state.tolist()}
    return state


def _unlisted(state: Any) -> Any:
    if not isinstance(state, Mapping):
        return state
    if set(state) == {"dtype", "array"}:
        return np.array(state["array"], dtype=state["dtype"])
    return {name: _unlisted(value) for name, value in state.items()}
