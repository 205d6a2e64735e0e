from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nago_orchestrator.drawing.graph_layout import GraphLayout, lay_out_graph
from nago_trainer.architecture.architecture import Dag

COLUMN, ROW = 30.0, 20.0
QUICK = settings(max_examples=40, deadline=None)


@st.composite
def dags(draw: st.DrawFn) -> Dag:
    nodes = draw(st.integers(1, 12))
    possible = list(combinations(range(nodes), 2))
    chosen = draw(st.sets(st.sampled_from(possible))) if possible else set()
    return Dag(nodes=nodes, edges=tuple(sorted(chosen)))


def laid_out(dag: Dag) -> GraphLayout:
    return lay_out_graph(dag, column=COLUMN, row=ROW)


@QUICK
@given(dags())
def test_no_two_nodes_of_a_graph_overlap(dag: Dag) -> None:
    for (x1, y1), (x2, y2) in combinations(laid_out(dag).nodes, 2):
        assert abs(x1 - x2) >= COLUMN - 1e-9 or abs(y1 - y2) >= ROW - 1e-9


@QUICK
@given(dags())
def test_every_edge_runs_from_left_to_right_between_its_nodes(dag: Dag) -> None:
    layout = laid_out(dag)
    assert len(layout.edges) == len(dag.edges)
    for (low, high), route in zip(dag.edges, layout.edges, strict=True):
        assert (route[0], route[-1]) == (layout.nodes[low], layout.nodes[high])
    for route in (*layout.edges, *layout.entering, *layout.leaving):
        assert all(before[0] < after[0] for before, after in pairwise(route))


@QUICK
@given(dags())
def test_the_entry_leads_to_all_inputs_and_all_outputs_to_the_exit(dag: Dag) -> None:
    layout = laid_out(dag)
    inputs = [node for node, before in enumerate(dag.predecessors) if not before]
    assert [(route[0], route[-1]) for route in layout.entering] == [
        (layout.entry, layout.nodes[node]) for node in inputs
    ]
    ends = [(layout.nodes[node], layout.exit) for node in dag.outputs]
    assert [(route[0], route[-1]) for route in layout.leaving] == ends


@QUICK
@given(dags())
def test_all_lies_within_the_box(dag: Dag) -> None:
    layout = laid_out(dag)
    points = [point for route in (*layout.edges, *layout.entering, *layout.leaving) for point in route]
    assert min(y for _, y in points) >= -1e-9
    assert max(y for _, y in points) <= layout.height + 1e-9
    assert (layout.entry[0], layout.exit[0]) == (0.0, layout.width)


@QUICK
@given(dags())
def test_no_edge_bends_inside_a_node_that_is_not_its_own(dag: Dag) -> None:
    layout = laid_out(dag)
    for route in layout.edges:
        for x, y in route[1:-1]:
            assert all(abs(x - other_x) > 1e-9 or abs(y - other_y) > 0.6 * ROW for other_x, other_y in layout.nodes)


@QUICK
@given(dags(), st.data())
def test_later_groups_stand_to_the_right(dag: Dag, data: st.DataObject) -> None:
    groups = sorted(data.draw(st.lists(st.integers(0, 2), min_size=dag.nodes, max_size=dag.nodes)))
    layout = lay_out_graph(dag, column=COLUMN, row=ROW, groups=groups)
    for one, other in combinations(range(dag.nodes), 2):
        if groups[one] < groups[other]:
            assert layout.nodes[one][0] < layout.nodes[other][0]


def test_a_chain_is_a_straight_line() -> None:
    layout = laid_out(Dag(nodes=4, edges=((0, 1), (1, 2), (2, 3))))
    assert layout.nodes == ((30, 0), (60, 0), (90, 0), (120, 0))
    assert (layout.width, layout.height) == (150, 0)


def test_a_crossing_that_can_be_avoided_is() -> None:
    layout = laid_out(Dag(nodes=4, edges=((0, 3), (1, 2))))
    (_, y0), (_, y1), (_, y2), (_, y3) = layout.nodes
    assert (y0 - y1) * (y3 - y2) > 0


@pytest.mark.parametrize("nodes", [30, 64])
def test_the_densest_graph_still_has_its_nodes_and_edges(nodes: int) -> None:
    dag = Dag(nodes=nodes, edges=tuple(combinations(range(nodes), 2)))
    layout = laid_out(dag)
    assert len(set(layout.nodes)) == nodes
    assert len(layout.edges) == len(dag.edges)
    assert all(before[0] < after[0] for route in layout.edges for before, after in pairwise(route))
