from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.proposers.bohb.kernel_density import KDEMultivariate


@pytest.mark.slow  # statsmodels takes a second to import
@pytest.mark.filterwarnings("ignore::FutureWarning")  # its generator, which nothing here draws from
@pytest.mark.parametrize(("points", "dimensions"), [(2, 1), (12, 3), (97, 10), (1_000, 22)])
def test_the_same_bits_as_statsmodels(points: int, dimensions: int) -> None:
    from statsmodels.nonparametric.kernel_density import KDEMultivariate as Peer

    rng = np.random.default_rng(points)
    data, candidates = rng.random((points, dimensions)), rng.random((64, dimensions))
    data[:, -1] = 0.5  # no spread at all, which HpBandSter widens
    ours, peer = (kind(data, var_type="c" * dimensions, bw="normal_reference") for kind in (KDEMultivariate, Peer))
    assert np.array_equal(ours.bw, peer.bw)
    ours.bw = peer.bw = np.clip(peer.bw, 1e-3, None)
    assert np.array_equal(ours.pdf(candidates), peer.pdf(candidates))
    assert ours.pdf(list(candidates[0])) == peer.pdf(list(candidates[0]))


def test_integrates_to_one() -> None:
    density = KDEMultivariate(np.array([[0.2], [0.3], [0.8]]), var_type="c", bw="normal_reference")
    grid = np.linspace(-3, 4, 2_001)
    assert np.trapezoid(density.pdf(grid[:, None]), grid) == pytest.approx(1)


@pytest.mark.parametrize(("var_type", "bw"), [("cu", "normal_reference"), ("cc", "cv_ls")])
def test_what_it_was_not_made_for_is_refused(var_type: str, bw: str) -> None:
    with pytest.raises(ValueError, match="only continuous"):
        KDEMultivariate(np.zeros((3, 2)), var_type=var_type, bw=bw)
