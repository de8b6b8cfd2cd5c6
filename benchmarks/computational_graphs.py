"""Models with random weights: their bytes read, and executed on one image.

The peer `onnx` is `onnx.reference`, which is written in NumPy. What reading gives differs: ours is the graph with
all shapes, that of `onnx` has an implementation for each node, that of onnxruntime is a plan, its weights packed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from lessons.architectures import lenet, resnet50
from lessons.execution import run
from lessons.model import ComputationalGraph
from lessons.onnx_files import from_onnx, to_onnx, with_random_weights

Answer = NDArray[np.float32]


def cases(scale: float) -> Iterator[Case]:
    for name in ("SqueezeNet", "ResNet50") if scale > 0.1 else ("LeNet",):
        model = model_of(name)
        size = {"input": name, "n": len(model.nodes), "m": model.to_graph().m}
        yield Case(
            **size,
            function="from_onnx",
            variant="from memory",
            ours=partial(read_by_lessons, name),
            peers={"onnx": partial(read_by_onnx, name), "onnxruntime": partial(read_by_onnxruntime, name)},
            right=partial(list.__eq__, list(model.inputs)),
        )
        yield Case(
            **size,
            function="run",
            variant="one image",
            ours=partial(run_by_lessons, name),
            peers={"onnx": partial(run_by_onnx, name), "onnxruntime": partial(run_by_onnxruntime, name)},
            right=partial(is_right, name),
        )


@cache
def model_of(name: str) -> ComputationalGraph:
    """A model with its weights in memory, where every contender has them before it runs."""
    models = {"LeNet": lenet, "ResNet50": resnet50, "SqueezeNet": squeezenet}
    return with_random_weights(models[name](), seed=1)


@cache
def content(name: str) -> bytes:
    """A model as the bytes of an ONNX file."""
    return to_onnx(model_of(name)).SerializeToString()


def squeezenet() -> ComputationalGraph:
    """That of `onnx`, of opset 9. It leaves the axis of its Softmax to the opset; `onnx.reference` takes that of
    opset 13, the last one, where nothing varies. So the axis is told here; the answer is that of opset 9."""
    import onnx

    proto = onnx.load(Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx")
    proto.graph.node[-1].attribute.append(onnx.helper.make_attribute("axis", 1))
    return from_onnx(proto)


@cache
def image(name: str) -> dict[str, Answer]:
    inputs = model_of(name).inputs
    rng = np.random.default_rng(2)
    return {key: rng.standard_normal(told.shape, np.float32) for key, told in inputs.items()}


@cache
def expected(name: str) -> Answer:
    return run_by_onnx(name)()


def is_right(name: str, answer: Answer) -> bool:
    """Whether an answer varies, and is that of the reference up to 1e-4 of its largest number."""
    right = expected(name)
    return bool(right.std() > 0 and np.abs(answer - right).max() <= 1e-4 * np.abs(right).max())


# ---------------------------------------------------------------------------------------- contenders


def read_by_lessons(name: str) -> Call:
    data = content(name)
    return lambda: list(from_onnx(data).inputs)


def read_by_onnx(name: str) -> Call:
    import onnx
    from onnx.reference import ReferenceEvaluator

    data = content(name)
    return lambda: ReferenceEvaluator(onnx.load_from_string(data)).input_names


def read_by_onnxruntime(name: str) -> Call:
    session, data = _onnxruntime_session, content(name)
    session(data)  # imports
    return lambda: [told.name for told in session(data).get_inputs()]


def run_by_lessons(name: str) -> Call:
    model, inputs = model_of(name), image(name)
    [output] = model.outputs
    return lambda: run(model, inputs)[output]


def run_by_onnx(name: str) -> Call:
    import onnx
    from onnx.reference import ReferenceEvaluator

    evaluator, inputs = ReferenceEvaluator(onnx.load_from_string(content(name))), image(name)
    return lambda: evaluator.run(None, inputs)[0]


def run_by_onnxruntime(name: str) -> Call:
    session, inputs = _onnxruntime_session(content(name)), image(name)
    return lambda: session.run(None, inputs)[0]


def _onnxruntime_session(data: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # its pools do not read the variable that the others read
    options.intra_op_num_threads = options.inter_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
