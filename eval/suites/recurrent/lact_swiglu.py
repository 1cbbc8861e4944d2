"""The large-chunk update of SwiGLU fast weights with Newton-Schulz (LaCT, arXiv 2505.23884), chunk after chunk."""

import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "fast_weights"
LICENCE = "Apache-2.0"
BATCH = 4
CHUNKS = 4
CHUNK = 512
DIM = 64
HIDDEN = 128
SETTINGS = {
    "odd": {"BATCH": 2, "CHUNKS": 3, "CHUNK": 43, "DIM": 19, "HIDDEN": 29},
    "small": {"BATCH": 1, "CHUNKS": 2, "CHUNK": 16, "DIM": 8, "HIDDEN": 12},
}


def newton_schulz(g):
    """Five steps of Muon's quintic iteration towards the nearest orthogonal matrix."""
    x = g / (torch.linalg.matrix_norm(g, keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.transpose(-1, -2)
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def renormalised(w, norms):
    return w * (norms / (torch.linalg.vector_norm(w, dim=-1, keepdim=True) + 1e-5))


class Model(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Parameter(torch.randn(hidden, dim) * dim**-0.5)
        self.up = nn.Parameter(torch.randn(hidden, dim) * dim**-0.5)
        self.down = nn.Parameter(torch.randn(dim, hidden) * hidden**-0.5)

    def forward(self, q, k, v, rates):
        """q, k, v: [batch, chunks, chunk, dim]; rates: [batch, chunks, chunk, 3], before softplus.

        Each chunk takes a step along the negative gradient of -sum_i f(k_i) . v_i, f(x) = down (silu(gate x) * up x),
        orthogonalised, with the norms of the weights' rows kept; then it is read at q. Returns what is read.
        """
        gate, up, down = (w.expand(q.shape[0], -1, -1) for w in (self.gate, self.up, self.down))
        norms = [torch.linalg.vector_norm(w, dim=-1, keepdim=True) for w in (gate, up, down)]
        read = []
        for chunk in range(q.shape[1]):
            keys, values = k[:, chunk], v[:, chunk]
            eta = F.softplus(rates[:, chunk])
            g, u = keys @ gate.transpose(-1, -2), keys @ up.transpose(-1, -2)
            s = torch.sigmoid(g)
            into_hidden = values @ down
            into_g = into_hidden * u * s * (1 + g * (1 - s))
            into_u = into_hidden * g * s
            d_gate = (eta[..., 0:1] * into_g).transpose(-1, -2) @ keys
            d_up = (eta[..., 1:2] * into_u).transpose(-1, -2) @ keys
            d_down = (eta[..., 2:3] * values).transpose(-1, -2) @ (g * s * u)
            gate = renormalised(gate + newton_schulz(d_gate), norms[0])
            up = renormalised(up + newton_schulz(d_up), norms[1])
            down = renormalised(down + newton_schulz(d_down), norms[2])
            hidden = F.silu(q[:, chunk] @ gate.transpose(-1, -2)) * (q[:, chunk] @ up.transpose(-1, -2))
            read.append(hidden @ down.transpose(-1, -2))
        return torch.stack(read, 1)


def get_inputs():
    tokens = [torch.randn(BATCH, CHUNKS, CHUNK, DIM) for _ in range(3)]
    return [*tokens, torch.randn(BATCH, CHUNKS, CHUNK, 3)]


def get_init_inputs():
    return [DIM, HIDDEN]
