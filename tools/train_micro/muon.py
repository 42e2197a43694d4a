"""Muon (Jordan et al. 2024): momentum whose direction is made orthogonal, for weight matrices.

As `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`, but in float32 and with all matrices of one shape at once: the
library's own rounds to bfloat16, which a CPU without such instructions emulates: 1.36 s a step of the micro
model on one core instead of 0.12 s.
"""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the Newton-Schulz iteration, from the paper
ITERATIONS = 5


def orthogonal(matrices):
    """The nearest (semi-)orthogonal matrices, roughly: singular values end up between 0.7 and 1.2. [N, rows, columns]"""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov's momentum and decoupled weight decay; updates have the size of AdamW's."""

    def __init__(self, matrices, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(list(matrices), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for values in group["params"]:
                if values.grad is not None:
                    shapes.setdefault(values.shape, []).append(values)
            for shape, matrices in shapes.items():
                self.update(group, shape, matrices)

    def update(self, group, shape, matrices):
        gradients = [values.grad.float() for values in matrices]
        for values, gradient in zip(matrices, gradients):
            if "momentum" not in self.state[values]:
                self.state[values]["momentum"] = torch.zeros_like(gradient)
        momenta = [self.state[values]["momentum"] for values in matrices]
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        directions = torch._foreach_lerp(gradients, momenta, group["momentum"])
        updates = orthogonal(torch.stack(directions)).unbind(0)
        torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(matrices, updates, alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)
