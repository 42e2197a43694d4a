"""Forward hooks that write module calls, arguments and output, to a trace."""

import fnmatch
import inspect

import numpy as np


class Taps:
    """Forward hooks on every module whose path matches one of the patterns.

    `place` gives the frame and the object that the model is at work on, either of them None. Given frames and
    objects, calls for others are counted but not written; calls that are made for no object pass whatever the objects.
    """

    def __init__(self, model, patterns, trace, place=lambda: (None, None), frames=(), objects=()):
        self.trace = trace
        self.place = place
        self.frames = set(frames)
        self.objects = set(objects)
        self.calls = {}
        self.sequence = 0
        self.recorded = 0
        for path, module in model.named_modules():
            if path and any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
                signature = inspect.signature(module.forward)
                module.register_forward_hook(self.hook(path, signature), with_kwargs=True)

    def wants(self, frame, identifier):
        """Whether a call at this frame for this object is written."""
        if self.frames and frame not in self.frames:
            return False
        return not self.objects or identifier is None or identifier in self.objects

    def hook(self, path, signature):
        def record(module, arguments, keywords, output):
            call, sequence = self.calls.get(path, 0), self.sequence
            self.calls[path] = call + 1
            self.sequence += 1
            frame, identifier = self.place()
            if not self.wants(frame, identifier):
                return
            self.recorded += 1
            group = f"/taps/{path}/{call}"
            attributes = self.trace.group(group).attrs
            attributes["sequence"] = np.int64(sequence)
            if frame is not None:
                attributes["frame"] = np.int64(frame)
            if identifier is not None:
                attributes["object"] = np.int64(identifier)
            for name, value in signature.bind(*arguments, **keywords).arguments.items():
                self.trace.write_tree(f"{group}/input/{name}", value)
            self.trace.write_tree(f"{group}/output", output)

        return record
