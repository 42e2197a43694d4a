"""Arrays for the inputs of an exported graph: noise, as no value changes how long a run takes."""

import numpy as np


def arrays(inputs):
    """Arrays by name for [(name, shape, element type)]: ones for labels, noise for all others."""
    generator = np.random.default_rng(0)
    made = {}
    for name, shape, kind in inputs:
        if kind == "int32":
            made[name] = np.ones(shape, np.int32)
        else:
            made[name] = generator.standard_normal(shape, np.float32)
    return made
