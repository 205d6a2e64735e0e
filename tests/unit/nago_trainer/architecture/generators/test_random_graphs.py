"""Distributions and seeds of the random graphs."""

from __future__ import annotations

import math
import statistics
from collections import Counter

import networkx as nx
import pytest

from nago_trainer.architecture import Dag, DisconnectedGraphError
from nago_trainer.architecture.generators.random_graphs import (
    Purpose,
    RandomWords,
    draw_erdos_renyi,
    draw_labels,
    draw_watts_strogatz,
    is_connected,
    place_labels,
)


def test_erdos_renyi_keeps_its_own_distribution_of_edges() -> None:
    nodes, p, draws = 10, 0.3, 2000
    counts = [
        len(draw_erdos_renyi(RandomWords(seed, ()), nodes=nodes, p=p, connected=False).edges) for seed in range(draws)
    ]
    pairs = nodes * (nodes - 1) / 2
    variance = pairs * p * (1 - p)

    # Both within five standard errors; the fourth moment of a binomial is close to the normal's.
    assert abs(statistics.fmean(counts) - pairs * p) < 5 * math.sqrt(variance / draws)
    assert abs(statistics.variance(counts) - variance) < 5 * variance * math.sqrt(2 / draws)


@pytest.mark.parametrize(("p", "edges"), [(0.0, 0), (1.0, 45)])
def test_erdos_renyi_at_its_ends(p: float, edges: int) -> None:
    assert len(draw_erdos_renyi(RandomWords(1, ()), nodes=10, p=p, connected=False).edges) == edges


@pytest.mark.parametrize("p", [0.0, 0.1, 0.9, 1.0])
@pytest.mark.parametrize(
    ("nodes", "k", "edges"),
    [(10, 4, 20), (10, 5, 20), (10, 3, 10), (4, 5, 4), (3, 5, 3), (2, 2, 1), (1, 2, 0), (6, 1, 0)],
)
def test_watts_strogatz_keeps_the_edges_of_its_ring(nodes: int, k: int, edges: int, p: float) -> None:
    dag = draw_watts_strogatz(RandomWords(1, ()), nodes=nodes, k=k, p=p, connected=False)

    assert (dag.nodes, len(dag.edges)) == (nodes, edges)


def test_an_odd_k_draws_the_graph_of_the_even_one_below() -> None:
    words = RandomWords(7, (2,))

    assert draw_watts_strogatz(words, nodes=10, k=5, p=0.5, connected=False) == draw_watts_strogatz(
        words, nodes=10, k=4, p=0.5, connected=False
    )


def test_every_position_try_and_purpose_has_its_own_words() -> None:
    positions = [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]
    seeds = [RandomWords(5, position).graph_seed(attempt) for position in positions for attempt in range(3)]
    purposes = (Purpose.MERGES, Purpose.OPERATIONS)
    first_labels = [RandomWords(5, position).uniforms(purpose, 1)[0] for position in positions for purpose in purposes]

    assert len(set(seeds)) == len(seeds)
    assert len(set(first_labels)) == len(first_labels)
    assert RandomWords(5, (1,)).graph_seed(0) != RandomWords(6, (1,)).graph_seed(0)


def test_labels_do_not_depend_on_how_many_are_drawn() -> None:
    words = RandomWords(5, (1, 2))

    assert words.uniforms(Purpose.MERGES, 10)[:3] == words.uniforms(Purpose.MERGES, 3)


def test_labels_follow_their_weights_and_never_take_a_zero() -> None:
    names, draws = ("a", "b", "c", "d"), 20_000
    counts = Counter(draw_labels(RandomWords(0, ()), Purpose.MERGES, draws, names, (0.0, 3.0, 1.0, 0.0)))

    assert set(counts) == {"b", "c"}
    assert abs(counts["b"] / draws - 0.75) < 5 * math.sqrt(0.75 * 0.25 / draws)


@pytest.mark.parametrize("weights", [(0.1, 0.2), (1.0, 2**-52), (1e-9, 1e6)])
def test_the_ends_of_the_unit_interval_have_the_first_and_the_last_label(weights: tuple[float, float]) -> None:
    assert place_labels([0.0, 1 - 2**-53], list(zip("ab", weights, strict=True))) == ["a", "b"]


def test_connectedness_agrees_with_networkx() -> None:
    found = set()
    for seed in range(200):
        dag = draw_erdos_renyi(RandomWords(seed, ()), nodes=6, p=0.3, connected=False)
        graph = nx.Graph(dag.edges)
        graph.add_nodes_from(range(6))
        assert is_connected(dag) == nx.is_connected(graph)
        found.add(is_connected(dag))
    assert found == {True, False}


def test_connected_redraws_only_where_it_must() -> None:
    for seed in range(30):
        words = RandomWords(seed, ())
        free = draw_erdos_renyi(words, nodes=6, p=0.3, connected=False)
        connected = draw_erdos_renyi(words, nodes=6, p=0.3, connected=True)
        assert is_connected(connected)
        assert connected == free or not is_connected(free)


@pytest.mark.slow
def test_a_graph_that_cannot_hang_together_is_refused_with_its_numbers() -> None:
    with pytest.raises(
        DisconnectedGraphError, match=r"Erdős–Rényi graph of 4 nodes with p = 0 in 5000 samples \(cell 1\)"
    ):
        draw_erdos_renyi(RandomWords(0, (1,)), nodes=4, p=0.0, connected=True)
    with pytest.raises(DisconnectedGraphError, match=r"4 nodes with k = 0.* \(node 2 of cell 1\)"):
        draw_watts_strogatz(RandomWords(0, (1, 2)), nodes=4, k=1, p=0.5, connected=True)


def test_one_node_is_connected() -> None:
    assert is_connected(Dag(1, ()))
