from __future__ import annotations

from nago_orchestrator.domain import seeds


def test_seeds_keep_their_values_from_release_to_release() -> None:
    assert seeds.proposal(7, 3).generate_state(2).tolist() == [3770105153, 2282519810]
    assert seeds.architecture(7, 3, 0) == 6676102308609927
    assert seeds.training(7, 3, 0) == 5142816533612630


def test_every_purpose_proposal_and_replicate_has_its_own_seed() -> None:
    found = [
        derive(study, proposal, replicate)
        for derive in (seeds.architecture, seeds.training)
        for study in range(3)
        for proposal in range(50)
        for replicate in range(4)
    ]
    assert len(set(found)) == len(found)


def test_seeds_are_exact_in_json_and_in_a_double() -> None:
    for proposal in range(200):
        seed = seeds.architecture(1, proposal, 0)
        assert 0 <= seed < 2**53
        assert int(float(seed)) == seed
