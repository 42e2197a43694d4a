"""A peer in a process of its own: reads commands, a JSON object a line, and answers each with one.

    {"prepare": work}                              → {"seconds": time to load and to run once}
    {"run": work, "seconds": 2.0, "times": 3}      → {"seconds": [of every run]}: at least so long and so often; of a
                                                      clip, of every frame
    {"versions": true}                             → {"versions": {name: version}}

What fails answers {"error": text}, what the peer can't do {"unavailable": text}. Whatever libraries print goes to stderr.
"""

import importlib
import json
import os
import sys
import time
import traceback

from .work import Settings, Unavailable, Work

PEERS = {  # name: module, class
    "pytorch": ("pytorch", "PyTorch"),
    "onnxruntime": ("onnx_runtime", "ONNXRuntime"),
    "openvino": ("open_vino", "OpenVINO"),
}


class Worker:
    def __init__(self, peer):
        self.peer = peer
        self.prepared = {}

    def answer(self, command):
        if "versions" in command:
            return {"versions": self.peer.versions()}
        work = Work(**(command.get("prepare") or command.get("run")))
        if "prepare" in command:
            start = time.perf_counter()
            self.prepared = {}  # one at a time: what an earlier work has loaded would stand in memory
            self.prepared = {work: self.peer.prepare(work)}
            if work.kind != "clip":
                self.prepared[work]()
            return {"seconds": time.perf_counter() - start}
        run, seconds, began = self.prepared[work], [], time.perf_counter()
        while len(seconds) < command["times"] or time.perf_counter() - began < command["seconds"]:
            start = time.perf_counter()
            made = run()
            seconds += made if work.kind == "clip" else [time.perf_counter() - start]
        return {"seconds": seconds}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, settings = sys.argv[1], Settings(**json.loads(sys.argv[2]))
    module, kind = PEERS[name]
    worker = None
    for line in sys.stdin:
        try:
            worker = worker or Worker(getattr(importlib.import_module(f".{module}", __package__), kind)(settings))
            answer = json.dumps(worker.answer(json.loads(line)))
        except Unavailable as reason:
            answer = json.dumps({"unavailable": str(reason)})
        except Exception as error:  # the driver says what went wrong and goes on with the other peers
            traceback.print_exc()
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
