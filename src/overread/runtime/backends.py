"""What a network can be computed with: ONNX Runtime on the processor or a GPU, and OpenVINO; in float32 throughout.

OpenVINO by itself takes bfloat16 on processors that have it, by which logits move by a tenth, ONNX Runtime on a GPU
the 19 bits of TF32: both are told not to. A faster engine must not be another model.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.onnx_file import onnx_facts

EngineName: TypeAlias = Literal["ONNX Runtime", "OpenVINO", "ONNX Runtime CUDA", "ONNX Runtime TensorRT"]
REFERENCE: EngineName = "ONNX Runtime"
"""There is always: what the others are compared with."""
PROVIDERS: dict[str, tuple[EngineName, dict[str, str]]] = {
    "TensorrtExecutionProvider": ("ONNX Runtime TensorRT", {"trt_fp16_enable": "0", "trt_int8_enable": "0"}),
    "CUDAExecutionProvider": ("ONNX Runtime CUDA", {"use_tf32": "0"}),
}
EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"
"""Where ONNX Runtime looks for weights outside of the model; by default in the working directory."""
Run: TypeAlias = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]


class Opened:
    """A network in an engine: ``run`` gives its outputs in order, ``outputs`` are their names."""

    def __init__(self, run: Run, outputs: Sequence[str], version: str, threads: int) -> None:
        self.run, self.outputs, self.version, self.threads = run, tuple(outputs), version, threads


def available() -> tuple[EngineName, ...]:
    """The engines that this machine has, the reference first."""
    import onnxruntime

    found: list[EngineName] = [REFERENCE]
    try:
        import openvino  # noqa: F401

        found.append("OpenVINO")
    except ImportError:
        pass
    have = onnxruntime.get_available_providers()
    return (*found, *(name for provider, (name, _) in PROVIDERS.items() if provider in have))


def opened(engine: EngineName, model: bytes, name: str, *, threads: int) -> Opened:
    """ONNX bytes in an engine; ``name`` is what errors call them, ``threads`` 0 is all cores.

    Raises InputError where they cannot be loaded, or the engine is not there.
    """
    try:
        return (
            _openvino(model, name, threads) if engine == "OpenVINO" else _onnxruntime(engine, model, threads)
        )
    except InputError:
        raise
    except Exception as error:  # engines raise types of their own, none of them documented
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{name}: {engine} cannot load its network ({said})") from error


def _onnxruntime(engine: EngineName, model: bytes, threads: int) -> Opened:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that wait sleep: a node has other work to do on its cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = ["CPUExecutionProvider"]
    wanted = next(((p, o) for p, (name, o) in PROVIDERS.items() if name == engine), None)
    if wanted is not None:
        providers.insert(0, wanted)
    with tempfile.TemporaryDirectory() as empty:
        # A model is its own bytes: whatever it names outside of them is not found.
        options.add_session_config_entry(EXTERNAL_FOLDER, empty)
        session: Any = onnxruntime.InferenceSession(model, options, providers=providers)
    if wanted is not None and wanted[0] not in session.get_providers():
        # ONNX Runtime falls back in silence where a driver is missing.
        raise InputError(f"{engine}: {wanted[0]} did not start; it has {', '.join(session.get_providers())}")
    given = session.get_inputs()[0].name

    def run(batch: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        found: Sequence[NDArray[np.float32]] = session.run(None, {given: batch})
        return found

    outputs = [o.name for o in session.get_outputs()]
    return Opened(run, outputs, onnxruntime.__version__, session.get_session_options().intra_op_num_threads)


def _openvino(model: bytes, name: str, threads: int) -> Opened:
    import openvino

    facts = onnx_facts(model, name)
    if facts.external:
        raise InputError(f"{name}: OpenVINO cannot load its network (weights lie in other files)")
    core = openvino.Core()
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "ENABLE_CPU_PINNING": False,
    }
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled: Any = core.compile_model(core.read_model(model), "CPU", settings)
    hint = str(compiled.get_property("INFERENCE_PRECISION_HINT"))
    if "float32" not in hint:
        raise InputError(f"{name}: OpenVINO computes in {hint}, expected float32")
    outputs = facts.outputs
    own = {n: at for at, out in enumerate(compiled.outputs) for n in out.get_names()}
    order = [own.get(n, at) for at, n in enumerate(outputs)]
    local = threading.local()

    def run(batch: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        # A request holds the memory of one inference: each thread has its own.
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        values = list(local.request.infer([np.ascontiguousarray(batch)], share_inputs=True).values())
        return [np.asarray(values[at], np.float32) for at in order]

    return Opened(run, outputs, openvino.__version__.split("-")[0], threads)
