"""Other people's optimizers, and what is said when one is not installed."""

import numpy as np
import pytest

from optimizers.conformance import noisy_hill, problems, run
from optimizers.peers import cma_es, tpe
from optimizers.registry import load_strategy, strategies

PEERS = ("cmaes", "optuna", "pybads")


@pytest.mark.parametrize("name", PEERS)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(name, monkeypatch):
    monkeypatch.setattr("optimizers.registry.find_spec", lambda package: None)
    with pytest.raises(ValueError, match=f"needs the package {name}.*'peers'"):
        load_strategy(name)


def test_a_missing_package_hides_no_strategy_from_the_list(monkeypatch):
    monkeypatch.setattr("optimizers.registry.find_spec", lambda package: None)
    assert set(PEERS) <= set(strategies())
    assert not strategies()["cmaes"].installed
    assert strategies()["titration"].installed


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_climbs_a_hill_without_noise(name):
    def exact(problem, point, number):
        seen = noisy_hill(problem, point, number)
        away = problem.space.scaled(point) - 0.6
        return type(seen)(point, point, -8.0 * float(away @ away), standard_error=0.0)

    problem = problems()["device"]
    search = run(load_strategy(name), problem, exact)
    values = [seen.value for seen in search.log]
    # better than the reference by most of what there is: 8 points of scaled distance
    assert max(values) > 0.5 * values[0]


def test_cma_es_asks_lattice_points_of_an_only_axis():
    search = run(cma_es, problems()["one axis"], noisy_hill)
    assert len({seen.asked for seen in search.log}) > 5


def test_tpe_begins_at_the_start_of_the_problem():
    problem = problems()["coupled"]
    assert next(tpe(problem, np.random.default_rng(1))) == problem.first
