"""Architecture and image -> blueprint -> plan: the one description of how a network is built.

Source: Ru, Esperança and Carlucci (2020), section 2.1; head and stem in the manner of Xie et al. (2019).
docs/generator.md explains the choices that the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nago_trainer.architecture.architecture import Architecture, BottomGraph, Cell, Dag
from nago_trainer.architecture.plan.blueprint import CLASSES, HEAD, IMAGE, Blueprint, ChannelRule, Channels
from nago_trainer.architecture.plan.draft import Draft
from nago_trainer.architecture.plan.plan import Kind, Plan, TensorShape

LARGE_IMAGE = 128
"""From this size on, two stride-2 convolutions bring the image to a quarter before the first cell (224 -> 56)."""


def build_plan(architecture: Architecture, image: TensorShape, classes: int, width: int) -> Plan:
    """The network's operations with all shapes.

    width: channels of the widest stage in use, at least 1. Raises ValueError for impossible numbers.
    """
    return draw_blueprint(architecture, image, classes).realise(width)


def draw_blueprint(architecture: Architecture, image: TensorShape, classes: int) -> Blueprint:
    """The same for all widths at once. Raises ValueError unless image and classes are positive."""
    if min(image.channels, image.size, classes) < 1:
        raise ValueError(f"image size, channels and classes must be positive, found {image} and {classes} classes")
    symbols = _stage_symbols(architecture)
    draft = Draft((IMAGE,), image.size)
    stem = _add_stem(draft, symbols[0])
    cell_inputs, features = _add_cells(draft, architecture, symbols, stem)
    _add_head(draft, features)
    return Blueprint(
        operations=tuple(draft.operations),
        channels=tuple(draft.channels),
        sizes=tuple(draft.sizes),
        rule=_channel_rule(architecture, image, classes, symbols),
        cell_inputs=cell_inputs,
    )


def stage_shapes(architecture: Architecture, image: TensorShape, width: int) -> Mapping[int, TensorShape]:
    """What enters the cells of each stage that has one, at this width."""
    blueprint = draw_blueprint(architecture, image, classes=1)
    tensors = blueprint.realise(width).tensors
    return {stage: tensors[index] for stage, index in zip(architecture.stages, blueprint.cell_inputs, strict=True)}


def _stage_symbols(architecture: Architecture) -> list[Channels]:
    """The channels of each cell. Stages with the same ratio share a symbol: nothing to match between them."""
    ratios = architecture.channel_ratio
    return [(f"stage{ratios.index(ratios[stage])}",) for stage in architecture.stages]


def _channel_rule(
    architecture: Architecture, image: TensorShape, classes: int, symbols: Sequence[Channels]
) -> ChannelRule:
    used = {
        symbol: architecture.channel_ratio[stage] for (symbol,), stage in zip(symbols, architecture.stages, strict=True)
    }
    widest = max(used.values())
    return ChannelRule(
        image=image.channels,
        classes=classes,
        ratios={symbol: ratio / widest for symbol, ratio in used.items()},
        last=symbols[-1][0],
    )


def _add_stem(draft: Draft, channels: Channels) -> int:
    """3×3 convolution and batch norm to the first cell's channels; for large images two with stride 2."""
    if draft.sizes[0] < LARGE_IMAGE:
        return draft.conv_norm(0, channels, 3)
    halved = draft.relu(draft.conv_norm(0, channels, 3, stride=2))
    return draft.conv_norm(halved, channels, 3, stride=2)


def _add_cells(
    draft: Draft, architecture: Architecture, symbols: Sequence[Channels], stem: int
) -> tuple[tuple[int, ...], int]:
    """The top graph: the tensors that enter its cells, and its output.

    The last cell is always one of its outputs, with the smallest size.
    """
    full_size = draft.sizes[stem]
    sizes = [max(1, full_size >> stage) for stage in architecture.stages]
    inputs: list[int] = []
    outputs: list[int] = []
    for node, sources in enumerate(architecture.dag.predecessors):
        pooled = [draft.downsample(tensor, sizes[node]) for tensor in _inputs(outputs, sources, stem)]
        inputs.append(draft.merge(pooled, architecture.merges[node], symbols[node]))
        outputs.append(_add_cell(draft, architecture.cells[node], inputs[node]))
    pooled = [draft.downsample(outputs[node], sizes[-1]) for node in architecture.dag.outputs]
    return tuple(inputs), draft.mean([draft.project(tensor, symbols[-1]) for tensor in pooled])


def _add_cell(draft: Draft, cell: Cell, tensor: int) -> int:
    return _add_graph(draft, cell.dag, cell.merges, tensor, lambda node, x: _add_bottom(draft, cell.nodes[node], x))


def _add_bottom(draft: Draft, bottom: BottomGraph, tensor: int) -> int:
    return _add_graph(draft, bottom.dag, bottom.merges, tensor, lambda node, x: draft.basic(bottom.operations[node], x))


def _add_graph(draft: Draft, dag: Dag, merges: Sequence[str], tensor: int, add_node: Callable[[int, int], int]) -> int:
    """A graph inside a cell: all nodes keep the input's size and channels; its outputs are averaged."""
    channels = draft.channels[tensor]
    outputs: list[int] = []
    for node, sources in enumerate(dag.predecessors):
        outputs.append(add_node(node, draft.merge(_inputs(outputs, sources, tensor), merges[node], channels)))
    return draft.mean([outputs[node] for node in dag.outputs])


def _inputs(outputs: Sequence[int], sources: Sequence[int], graph_input: int) -> list[int]:
    return [outputs[source] for source in sources] or [graph_input]


def _add_head(draft: Draft, tensor: int) -> int:
    features = draft.relu(draft.conv_norm(draft.relu(tensor), (HEAD,), 1))
    pooled = draft.append(Kind.GLOBAL_POOL, (features,), size=1)
    return draft.append(Kind.LINEAR, (draft.append(Kind.DROPOUT, (pooled,)),), channels=(CLASSES,))
