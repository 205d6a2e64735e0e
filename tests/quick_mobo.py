"""A multi-objective search as a study has it, made small: for tests of what holds whatever is chosen."""

from __future__ import annotations

from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.acquisition.batch import Acquisition, AcquisitionOptions
from nago_orchestrator.search.acquisition.ehvi import EhviOptions
from nago_orchestrator.search.acquisition.evolution import EvolutionOptions
from nago_orchestrator.search.acquisition.usemo import UsemoOptions
from nago_orchestrator.search.proposers.mobo.proposer import Mobo
from nago_orchestrator.search.proposers.mobo.settings import MoboOptions, MoboPlan
from nago_orchestrator.search.surrogate.kinds import fit_gaussian, network_fit
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.port import Fit

NETWORK = SurrogateOptions(chains=2, descent=50, burn_in=100, draws=10, thinning=2, networks=16, refits=0)
"""Learns hardly anything: no test that uses it is about quality."""
_EVOLUTION = EvolutionOptions(population=20, generations=4)
_SEARCHES: dict[Acquisition, Fit] = {Acquisition.USEMO: network_fit(NETWORK), Acquisition.EHVI: fit_gaussian}


def quick_mobo(space: SearchSpace, study_seed: int, *, proposals: int, acquisition: Acquisition) -> Mobo:
    """Of two objectives: six proposals of the initial design, then batches of four by the search's own surrogate."""
    plan = MoboPlan(
        space=space,
        study_seed=study_seed,
        fidelity=60,
        proposals=proposals,
        objectives=2,
        options=MoboOptions(batch=4, initial=6, acquisition=_options(acquisition)),
    )
    return Mobo(plan, _SEARCHES[acquisition])


def _options(acquisition: Acquisition) -> AcquisitionOptions:
    return AcquisitionOptions(
        acquisition=acquisition,
        usemo=UsemoOptions(evolution=_EVOLUTION),
        ehvi=EhviOptions(evolution=_EVOLUTION, functions=4, random=32),
    )
