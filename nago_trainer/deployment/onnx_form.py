"""ONNX: the only home of onnx, onnxscript (which torch uses) and onnxruntime."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnxruntime
import onnxscript  # noqa: F401  # torch needs it to export; without it, the sentence about the extra names it
import torch
from torch import Tensor

from nago_trainer.deployment.exported import DESCRIPTION_KEY, INPUT, OUTPUT, description, traced
from nago_trainer.network.saved_network import TrainedNetwork

OPSET = 18
"""The first whose Resize can average over the pixels that a smaller image leaves out."""
ERRORS_ONLY = 3


def onnx_bytes(trained: TrainedNetwork, with_preprocessing: bool) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        program = torch.onnx.export(
            traced(trained, with_preprocessing),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            verbose=False,
            dynamo=True,
        )
    if program is None:
        raise AssertionError("torch gives a program where no file is named")
    model = program.model_proto
    _name_dimensions(model, with_preprocessing)
    told = description(trained.facts, with_preprocessing)
    texts = {
        DESCRIPTION_KEY: json.dumps(told, ensure_ascii=False),
        "class_names": json.dumps(told["class_names"], ensure_ascii=False),
        "preprocessing": json.dumps(told["preprocessing"], ensure_ascii=False),
    }
    onnx.helper.set_model_props(model, texts)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _name_dimensions(model: onnx.ModelProto, with_preprocessing: bool) -> None:
    names = {0: "batch", 2: "height", 3: "width"} if with_preprocessing else {0: "batch"}
    for place, name in names.items():
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_param = name
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"


def onnx_logits(file: Path, batches: Sequence[Tensor]) -> list[Tensor]:
    """What onnxruntime computes of the file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return [torch.from_numpy(session.run([OUTPUT], {INPUT: batch.numpy()})[0]) for batch in batches]
