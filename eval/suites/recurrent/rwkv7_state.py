"""The state update of RWKV-7 (arXiv 2503.14456): S <- S (diag(w) - kappa (a * kappa)^T) + v k^T, read as S r."""

import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "recurrent_rwkv7"
LICENCE = "Apache-2.0"
BATCH = 4
TIME = 256
HEADS = 8
DIM = 64
SETTINGS = {
    "odd": {"BATCH": 3, "TIME": 37, "HEADS": 3, "DIM": 29},
    "small": {"BATCH": 2, "TIME": 5, "HEADS": 2, "DIM": 8},
}


class Model(nn.Module):
    def forward(self, r, w, k, v, kappa, a, state):
        """r, w, k, v, kappa, a: [batch, time, heads, dim]; state: [batch, heads, dim of v, dim of k].

        w and a come before their activations: the decay is exp(-exp(-1/2) sigmoid(w)). Returns what is read at every
        step, and the last state.
        """
        decay = torch.exp(-0.6065306597126334 * torch.sigmoid(w))
        kappa = F.normalize(kappa, dim=-1, eps=1e-6)
        rate = torch.sigmoid(a)
        read = []
        for t in range(r.shape[1]):
            removed = torch.einsum("bhvk,bhk->bhv", state, kappa[:, t])
            state = (
                state * decay[:, t, :, None, :]
                - removed[..., None] * (rate[:, t] * kappa[:, t])[..., None, :]
                + v[:, t, :, :, None] * k[:, t, :, None, :]
            )
            read.append(torch.einsum("bhvk,bhk->bhv", state, r[:, t]))
        return torch.stack(read, 1), state


def get_inputs():
    tokens = [torch.randn(BATCH, TIME, HEADS, DIM) for _ in range(6)]
    return [*tokens, torch.randn(BATCH, HEADS, DIM, DIM)]


def get_init_inputs():
    return []
