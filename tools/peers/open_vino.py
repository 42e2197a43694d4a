"""OpenVINO on the exported graphs: one stream, float32 or bfloat16 by its hint."""

import openvino

from . import export, feeds


class OpenVINO:
    def __init__(self, settings):
        self.settings = settings
        self.core = openvino.Core()

    def versions(self):
        return {"openvino": openvino.__version__}

    def compiled(self, path):
        return self.core.compile_model(path, "CPU", {
            "INFERENCE_PRECISION_HINT": self.settings.precision,
            "INFERENCE_NUM_THREADS": self.settings.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        })

    def prepare(self, work):
        model = self.compiled(export.graph(self.settings, work))
        arrays = feeds.arrays([(value.any_name, list(value.shape), value.element_type.to_dtype().name)
                               for value in model.inputs])
        request = model.create_infer_request()
        return lambda: request.infer(arrays, share_inputs=True)
