"""The density of HpBandSter's model for continuous coordinates: a product of Gaussian kernels, one width a coordinate.

HpBandSter takes it from statsmodels, which imports pandas, and resuming a study from the command line waits for that.
Same order of operations, so the same bits: stored studies replay. A test holds it against statsmodels.

    f(x) = 1 / (n prod_j h_j) sum_i prod_j phi((x_j - X_ij) / h_j),   h_j = 1.06 sigma_j n^(-1 / (4 + d))

Equation: Li and Racine, "Nonparametric Econometrics" (2007), 1.6; widths by Scott's normal-reference rule.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


class KDEMultivariate:
    """By the name and the arguments that HpBandSter calls. It widens `bw` and draws around the rows of `data`."""

    def __init__(self, data: Numbers, var_type: str, bw: str) -> None:
        """`data`: (points, dimensions). ValueError: for anything but continuous coordinates and the rule above."""
        if set(var_type) != {"c"} or bw != "normal_reference":
            raise ValueError(f"only continuous coordinates by the normal-reference rule, not {var_type!r} by {bw!r}")
        self.data = np.asarray(data, dtype=np.float64)
        points, dimensions = self.data.shape
        self.bw: Numbers = 1.06 * np.std(self.data, axis=0) * points ** (-1.0 / (4 + dimensions))

    def pdf(self, data_predict: npt.ArrayLike) -> Numbers:
        """(candidates, dimensions) to (candidates,); of one candidate, a number."""
        points, dimensions = self.data.shape
        candidates = np.reshape(np.asarray(data_predict, dtype=np.float64), (-1, dimensions))
        return np.squeeze(np.array([self._kernel_sum(candidate) / points for candidate in candidates]))

    def _kernel_sum(self, candidate: Numbers) -> np.float64:
        kernels = (1.0 / np.sqrt(2 * np.pi)) * np.exp(-((self.data - candidate) ** 2) / (self.bw**2 * 2.0))
        total: np.float64 = (kernels.prod(axis=1) / np.prod(self.bw)).sum(axis=0)
        return total
