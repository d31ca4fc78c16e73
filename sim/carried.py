"""Errors that cross from one process to another as they are."""

from typing import Any


class Carried:
    """Mixed into an exception that is made of other things than its message.

    Python makes a pickled exception again from its message alone; where it takes
    more, a pool of processes that receives one breaks.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, vars(self))  # type: ignore[attr-defined]


def _again(kind: type[BaseException], told: Any, values: dict[str, Any]) -> Any:
    error = kind.__new__(kind)
    error.args = told
    vars(error).update(values)
    return error
