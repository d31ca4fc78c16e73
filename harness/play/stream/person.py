"""A person at the bedside, with a strategy beside: the advisor who may think."""

from math import inf, nan

from harness.play.search import SearchAdvisor
from harness.play.stopping import SearchEnd, SearchEnding
from sim.device.settings import Settings
from sim.visit.advisor import THINKING, Proposal, Thinking
from sim.visit.measuring import expected_test_s
from sim.visit.record import Choice, Ended, Tested, TitrationEnd
from sim.visit.visit import Visit

BY_PERSON = "person"
CHOSEN_BY_HAND = "chosen by hand"


class PersonAdvisor:
    """Proposes what a person asks for; a strategy advises, or takes over.

    The strategy is told every test, also those that it did not ask for. While
    `handed_over` it proposes and chooses; when it has nothing more, the person is asked
    again, or with nobody there (`alone`) the titration ends.

    Attributes
    ----------
    wanted
        The test that was asked for and has not begun.
    finished
        Whether the titration is to end.
    chosen
        What is to be verified: settings, or None with `chosen_by_search` for what the
        strategy recommends.
    plan
        The measuring plan of what the strategy proposes; empty, it is the visit's.
    """

    def __init__(self, search: SearchAdvisor, *, alone: bool) -> None:
        self.search = search
        self.plan = ""
        self.alone = alone
        self.handed_over = alone
        self.wanted: Proposal | None = None
        self.finished = False
        self.chosen: Settings | None = None
        self.chosen_by_search = False
        self.going_on: Proposal | None = None
        self.by = BY_PERSON

    def begin(self, reference: Settings, n_tests: int) -> None:
        """Lay the strategy's lattice around the reference."""
        self.search.begin(reference, n_tests)

    def advice(self) -> Settings | None:
        """Return what the strategy would test next; asking changes nothing."""
        return self.search.propose()

    def propose(self) -> Proposal | Thinking | None:
        """Return the test that was asked for, else what the strategy proposes."""
        self.going_on = None
        if self.finished:
            return None
        if self.wanted is not None:
            self.going_on, self.wanted, self.by = self.wanted, None, BY_PERSON
            return self.going_on
        if self.handed_over:
            settings = self.search.propose()
            if settings is not None:
                self.going_on = Proposal(settings, self.plan)
                self.by = self.strategy_name
                return self.going_on
            if self.alone:
                return None
            self.handed_over = False
        return THINKING

    def change(self, search: SearchAdvisor, visit: Visit) -> None:
        """Let another search go on, told every test so far."""
        has_begun = visit.titration_end_s < inf
        self.search.close()
        self.search, self.by = search, BY_PERSON
        if has_begun:
            left_s = max(0.0, visit.titration_end_s - float(visit.env.now))
            n_left = int(left_s / expected_test_s(visit, self.plan))
            search.begin(visit.reference, n_left)
            for tested in visit.findings.tested:
                self.learn(tested)

    def learn(self, tested: Tested) -> None:
        """Tell the strategy what was seen, whoever asked for it."""
        if self.by != BY_PERSON:
            self.search.learn(tested)
        elif tested.ended is not Ended.REFUSED:
            self.search.learn_of_another(tested)

    def recommend(self) -> Choice | Thinking:
        """Return what was chosen; the strategy's choice where that was left to it."""
        if self.chosen is not None:
            self.search.close()
            return Choice(self.chosen, nan, nan, gated=False, reason=CHOSEN_BY_HAND)
        if self.handed_over or self.chosen_by_search:
            return self.search.recommend()
        return THINKING

    def ending(self, by_visit: TitrationEnd) -> SearchEnding:
        """Return why the search ended: by hand, where a person said so."""
        if self.finished:
            return SearchEnding.of(by_visit, SearchEnd.PERSON, None)
        return self.search.ending(by_visit)

    @property
    def strategy_name(self) -> str:
        """The strategy as it was named."""
        return self.search.task.strategy_name
