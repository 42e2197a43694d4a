"""ONNX Runtime on the exported graphs; its processor kernels know no bfloat16."""

import onnxruntime

from . import export, feeds


class ONNXRuntime:
    def __init__(self, settings):
        self.settings = settings

    def versions(self):
        return {"onnxruntime": onnxruntime.__version__}

    def session(self, work):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.settings.threads
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            str(export.graph(self.settings, work)), options, providers=["CPUExecutionProvider"])

    def prepare(self, work):
        session = self.session(work)
        arrays = feeds.arrays(session_inputs(session))
        return lambda: session.run(None, arrays)


def session_inputs(session):
    """Name, shape and element type of every input."""
    kinds = {"tensor(float)": "float32", "tensor(int32)": "int32"}
    return [(value.name, value.shape, kinds[value.type]) for value in session.get_inputs()]
