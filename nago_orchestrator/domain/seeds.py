"""Where all randomness of a study comes from: one seed, children of it named by purpose.

A child depends on the study's seed, its purpose and its own numbers alone, never on what was drawn before: whoever
restarts a study draws on where it stopped. The proposers take `proposal`, the trial design the other two.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """First part of a child's spawn key. A number once given keeps its meaning: stored studies depend on it."""

    PROPOSAL = 1
    ARCHITECTURE = 2
    TRAINING = 3
    CHEAP_COST = 4
    PHASE = 5
    BASELINE = 6


def proposal(study_seed: int, number: int) -> np.random.SeedSequence:
    """For the draws that make the study's proposal `number`."""
    return _child(study_seed, Purpose.PROPOSAL, number)


def architecture(study_seed: int, proposal_number: int, replicate: int) -> int:
    """For sampling the proposal's architecture `replicate`: an integer of 53 bits."""
    return _integer(_child(study_seed, Purpose.ARCHITECTURE, proposal_number, replicate))


def training(study_seed: int, proposal_number: int, replicate: int) -> int:
    """For initialisation, order of the data and augmentation of that architecture's training: 53 bits."""
    return _integer(_child(study_seed, Purpose.TRAINING, proposal_number, replicate))


def cheap_cost(study_seed: int, draw: int) -> int:
    """For the free draws from which a search learns what is known before training: an integer of 53 bits."""
    return _integer(_child(study_seed, Purpose.CHEAP_COST, draw))


def phase(study_seed: int, number: int) -> int:
    """The seed that a phase of the search takes for its study's; the first phase has the study's own."""
    return study_seed if number == 0 else _integer(_child(study_seed, Purpose.PHASE, number))


def baseline(study_seed: int, number: int) -> np.random.SeedSequence:
    """For the theta of the generator `number` that final training compares with: drawn at random."""
    return _child(study_seed, Purpose.BASELINE, number)


def _child(study_seed: int, purpose: Purpose, *numbers: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(study_seed, spawn_key=(int(purpose), *numbers))


def _integer(sequence: np.random.SeedSequence) -> int:
    """53 bits: exact in JSON, in a double and in every database's integer."""
    return int(sequence.generate_state(1, np.uint64)[0]) >> 11
