"""Scale-adapted SGHMC of the surrogate's network in plain PyTorch: what one writes first, for a comparison of speed.

One chain; autograd for the gradient; a Python loop over parameter tensors for the update, as in the optimisers that
PyTorch users know. The same priors and the same likelihood as `nago_orchestrator.search.surrogate.bayesian_network`.
"""

from __future__ import annotations

import itertools
import math

import torch

from nago_orchestrator.search.surrogate import bayesian_network as model

Tensors = dict[str, torch.Tensor]
_LOG_2_PI = math.log(2 * math.pi)


class Chain:
    """Of the heteroscedastic network, at temperature 1, adapting all the time."""

    def __init__(self, parameters: Tensors, step_size: float, friction: float) -> None:
        self.parameters = {name: value.clone().requires_grad_() for name, value in parameters.items()}
        self.momentum = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.tau, self.g, self.v_hat = (
            {name: torch.ones_like(value) for name, value in parameters.items()} for _ in range(3)
        )
        self.step_size, self.friction = step_size, friction

    def step(self, inputs: torch.Tensor, costs: torch.Tensor) -> None:
        for parameter in self.parameters.values():
            parameter.grad = None
        energy(self.parameters, inputs, costs).backward()  # type: ignore[no-untyped-call]  # of torch
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                self._move(name, parameter)

    def _move(self, name: str, parameter: torch.Tensor) -> None:
        gradient = parameter.grad
        if gradient is None:
            raise RuntimeError(f"{name} has no gradient")
        tau, g, v_hat = self.tau[name], self.g[name], self.v_hat[name]
        rate = 1 / (tau + 1)
        tau += 1 - tau * g**2 / (v_hat + 1e-10)
        g += rate * (gradient - g)
        v_hat += rate * (gradient**2 - v_hat)
        inverse_mass = 1 / (v_hat.sqrt() + 1e-10)
        scale = (2 * self.step_size**2 * self.friction * inverse_mass).clamp(min=1e-16).sqrt()
        momentum = self.momentum[name]
        momentum += scale * torch.randn_like(scale) - self.friction * momentum
        momentum -= self.step_size**2 * inverse_mass * gradient
        parameter += momentum


def energy(parameters: Tensors, inputs: torch.Tensor, costs: torch.Tensor) -> torch.Tensor:
    """-log p(parameters, costs), `inputs` of shape (points, dimensions); one trial behind every cost."""
    mean, noise = forward(parameters, inputs)
    likelihood = (-0.5 * ((costs - mean) ** 2 / noise + noise.log() + _LOG_2_PI)).sum()
    prior = torch.stack([(-0.5 * (value**2 + _LOG_2_PI)).sum() for value in parameters.values()]).sum()
    return -likelihood - prior


def forward(parameters: Tensors, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    hidden = inputs * (model.RELEVANCE_SPREAD * parameters["relevance"]).exp()
    sizes = [inputs.shape[1], *[model.UNITS] * model.HIDDEN_LAYERS, model.OUTPUTS]
    start = 0
    for number, (columns, rows) in enumerate(itertools.pairwise(sizes)):
        scale = model.PRIOR_SCALES[number] * (model.SCALE_SPREAD * parameters["layer_scales"][number]).exp()
        weights = parameters["weights"][start : start + rows * columns].view(rows, columns)
        biases = parameters["weights"][start + rows * columns : start + rows * (columns + 1)]
        start += rows * (columns + 1)
        hidden = torch.nn.functional.linear(hidden, scale / math.sqrt(columns) * weights, scale * biases)
        if number < model.HIDDEN_LAYERS:
            hidden = torch.tanh(hidden)
    level = model.NOISE_CENTRE + model.NOISE_SPREAD * parameters["noise_level"][0]
    log_noise = level + model.NOISE_VARIATION * hidden[:, 1]
    bounded = model.MOST_LOG_NOISE - torch.nn.functional.softplus(model.MOST_LOG_NOISE - log_noise)
    return hidden[:, 0], model.LEAST_NOISE + bounded.exp()
