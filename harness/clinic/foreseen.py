"""What is expected of a test: by who programs it, and by each student for themselves.

A prediction is for what stands on the screen: another value, and it is forgotten. When
a test begins, what was said is kept for it, and stands beside its reading.
"""

from typing import Any

from harness.clinic.commands import Prediction

ANSWERS: tuple[Prediction, ...] = ("rises", "no difference", "falls")


class Foreseen:
    """Predictions of one visit.

    Attributes
    ----------
    now
        What was said at the programmer of the settings on the screen, if anything.
    of_tests
        What was said at the programmer of each test that a person asked for.
    closed
        Whether the strategy has given its advice: who predicts now would copy it.
    """

    def __init__(self) -> None:
        self.now: Prediction | None = None
        self.of_tests: dict[int, str] = {}
        self.closed = False
        self._students: dict[str, Prediction] = {}
        self._of_students: dict[int, dict[str, Prediction]] = {}
        self._asked = ""
        self._asked_students: dict[str, Prediction] = {}

    @property
    def n_students(self) -> int:
        """Students who have said what they expect of what is on the screen."""
        return len(self._students)

    def say(self, student: str, answer: Prediction) -> None:
        """Keep what a student expects; a later word replaces it."""
        self._students[student] = answer

    def forget(self) -> None:
        """Drop what was said: something else stands on the screen."""
        self.now = None
        self.closed = False
        self._students = {}

    def begin(self, prediction: str) -> None:
        """Keep what was said for the test that begins."""
        self._asked, self._asked_students = prediction, self._students
        self._students = {}

    def tested(self, number: int) -> None:
        """Put what was kept beside the test that is over."""
        if self._asked:
            self.of_tests[number] = self._asked
        if self._asked_students:
            self._of_students[number] = self._asked_students
        self._asked, self._asked_students, self.now = "", {}, None
        self.closed = False

    def counts(self, number: int) -> tuple[int, ...]:
        """Return how many students expected each answer of a test; empty for none."""
        said = list(self._of_students.get(number, {}).values())
        return tuple(said.count(answer) for answer in ANSWERS) if said else ()

    def of(self, student: str) -> dict[str, Any]:
        """Return what one student said: now, and of each test."""
        said = {
            n: who[student] for n, who in self._of_students.items() if student in who
        }
        return {"now": self._students.get(student, ""), "tests": said}
