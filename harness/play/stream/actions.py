"""The log of actions: with scenario and seed it is the whole state of a visit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from harness.common.faults import Fault, ScenarioError
from harness.play.scenario import CourseScenario, Scenario
from harness.play.stream.commands import Command, command_from, table_of

SCHEMA_VERSION: Final = 1
ACTIONS_FILE: Final = "actions.json"


@dataclass(frozen=True, slots=True)
class Action:
    """A command, and the simulated time at which it was given."""

    at_s: float
    command: Command


@dataclass(frozen=True, slots=True, eq=False)
class ActionLog:
    """All from which a visit is played again, to the byte.

    `person` tells that the visit waits for a person; otherwise the strategy advises.
    `seed` and `strategy` are those in use, whatever the scenario says.
    """

    scenario: Scenario
    scenario_name: str
    seed: int
    replicate: int = 0
    strategy: str = ""
    person: bool = False
    actions: Sequence[Action] = field(default_factory=tuple)

    def until(self, at_s: float) -> "ActionLog":
        """Return the log as it was at a time, what was done at that time included."""
        kept = tuple(action for action in self.actions if action.at_s <= at_s)
        return ActionLog(
            self.scenario,
            self.scenario_name,
            self.seed,
            self.replicate,
            self.strategy,
            self.person,
            kept,
        )


def log_text(log: ActionLog) -> str:
    """Return the log as it is kept in `actions.json`."""
    told = {
        "schema_version": SCHEMA_VERSION,
        "scenario_name": log.scenario_name,
        "seed": log.seed,
        "replicate": log.replicate,
        "strategy": log.strategy,
        "person": log.person,
        "actions": [{"at_s": a.at_s, **table_of(a.command)} for a in log.actions],
        "scenario": log.scenario.model_dump(mode="json"),
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def log_from(told: Mapping[str, Any], origin: str) -> ActionLog:
    """Return the log that a file holds; ScenarioError, with its origin, else."""
    if told.get("schema_version") != SCHEMA_VERSION:
        text = f"must be {SCHEMA_VERSION}, got {told.get('schema_version')!r}"
        raise ScenarioError(origin, [Fault("schema_version", text)])
    data = told.get("scenario")
    if not isinstance(data, dict):
        raise ScenarioError(origin, [Fault("scenario", "must be a table")])
    kind = CourseScenario if "course" in data else Scenario
    scenario = kind.checked(data, origin=origin)
    return ActionLog(
        scenario=scenario,
        scenario_name=_word(told, "scenario_name", str, "", origin),
        seed=_word(told, "seed", int, scenario.seed, origin),
        replicate=_word(told, "replicate", int, 0, origin),
        strategy=_word(told, "strategy", str, "", origin),
        person=_word(told, "person", bool, False, origin),
        actions=tuple(_actions(told.get("actions", []), origin)),
    )


def _word(
    told: Mapping[str, Any], name: str, kind: type[Any], usual: Any, origin: str
) -> Any:
    value = told.get(name, usual)
    if type(value) is not kind:
        text = f"must be of the kind {kind.__name__}, got {value!r}"
        raise ScenarioError(origin, [Fault(name, text)])
    return value


def _actions(rows: object, origin: str) -> list[Action]:
    if not isinstance(rows, list):
        raise ScenarioError(origin, [Fault("actions", "must be a list")])
    found, faults, before_s = list[Action](), list[Fault](), 0.0
    for place, row in enumerate(rows):
        try:
            table = dict(row)
            at_s = float(table.pop("at_s"))
            if not at_s >= before_s:
                raise ValueError("at_s must not fall")
            found.append(Action(at_s, command_from(table)))
            before_s = at_s
        except ValidationError as error:
            first = error.errors()[0]
            steps = ".".join(str(step) for step in first["loc"])
            faults.append(Fault(f"actions.{place}.{steps}", first["msg"].lower()))
        except (ValueError, TypeError, KeyError) as error:
            faults.append(Fault(f"actions.{place}", f"cannot be read: {error}"))
    if faults:
        raise ScenarioError(origin, faults)
    return found
