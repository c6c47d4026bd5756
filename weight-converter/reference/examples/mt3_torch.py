"""MT3 in PyTorch, its modules named as in the common ports of it, which are made of the T5 of Hugging Face: what record_reference.py needs.

Written from the description of the network. To record a port of your own, keep options(), load() and run() and let load() return yours.

usage: record_reference.py mt3_torch.py --weights mt3.pth --audio song.wav --segments 0 -o mt3.safetensors
"""
import pickle

import mt3_input
import numpy as np
import record_reference
import torch
from torch import nn

MASKED = -1e10


def options(parser):
    mt3_input.options(parser)
    parser.add_argument("--weights", required=True, help="PyTorch file, or safetensors of the same names")
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--frequencies", type=int, metavar="N",
                        help="positions of frequency 10000^(-i/N); default: half the width less 1, with which MT3 was trained")


def load(options, dtype):
    stored = weights(options.weights)
    model = MT3(stored, options.heads, options.frequencies)
    missing, unknown = model.load_state_dict(stored, strict=False)
    unknown = [name for name in unknown if not name.endswith(("embed_tokens.weight", "inv_freq"))]
    if missing or unknown:
        raise record_reference.Problem(f"{options.weights} is no MT3 of these names: without {missing[:3]}, with {unknown[:3]}")
    return model.eval().to(getattr(torch, dtype))


def weights(path):
    """The tensors of a safetensors or PyTorch file by name. Nothing in it is run; of files with more than tensors Luthier makes one without."""
    if path.endswith(".safetensors"):
        return {name: torch.tensor(array) for name, array in record_reference.read(path)[0].items()}
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, pickle.UnpicklingError) as e:
        raise record_reference.Problem(f"{path} cannot be read; luthier checkpoint:convert {path} -o weights.pth makes a plain one") from e
    return stored.get("state_dict", stored)


def run(options, model, dtype, recorder):
    heard = torch.from_numpy(mt3_input.features(options, recorder)).to(getattr(torch, dtype))
    said = mt3_input.said(options, recorder, lambda most: model.greedy(heard, most))
    encoded = model.encode(heard)
    model.decode(torch.from_numpy(mt3_input.ids(options, recorder, said)).long(), encoded)
    recorder.tap("decoder.tokens", said)


class RmsNorm(nn.Module):
    def __init__(self, width, epsilon=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon))


class Positions(nn.Module):
    """Sines in the first half of the width, cosines in the second; computed in double, whatever the model's numbers."""

    def __init__(self, width, frequencies):
        super().__init__()
        half = width // 2
        self.rates = 10000.0 ** (-np.arange(half) / (frequencies or half - 1))

    def forward(self, x):  # [batch, length, model] -> [length, model]
        angles = np.arange(x.shape[1])[:, None] * self.rates
        return torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(width, inner, bias=False) for _ in range(3))
        self.softmax = nn.Softmax(-1)  # a module, so that scores and probabilities are recorded
        self.o = nn.Linear(inner, width, bias=False)

    def split(self, x):  # [batch, length, heads * size] -> [batch, heads, length, size]
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, memory, mask=0):
        q, k, v = self.split(self.q(x)), self.split(self.k(memory)), self.split(self.v(memory))
        # NOTE: not divided by the root of the size: the trained queries have it in them
        scores = q @ k.transpose(-1, -2) + mask  # [batch, heads, queries, keys]
        context = self.softmax(scores) @ v
        return self.o(context.transpose(1, 2).flatten(-2))


class SelfAttentionLayer(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.SelfAttention = Attention(width, inner, heads)
        self.layer_norm = RmsNorm(width)

    def forward(self, x, mask=0):
        y = self.layer_norm(x)
        return x + self.SelfAttention(y, y, mask)


class CrossAttentionLayer(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.EncDecAttention = Attention(width, inner, heads)
        self.layer_norm = RmsNorm(width)

    def forward(self, x, encoded):
        return x + self.EncDecAttention(self.layer_norm(x), encoded)


class GatedDense(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.wi_0, self.wi_1 = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.act = nn.GELU(approximate="tanh")
        self.wo = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.wo(self.act(self.wi_0(x)) * self.wi_1(x))


class FeedForwardLayer(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.DenseReluDense = GatedDense(width, hidden)
        self.layer_norm = RmsNorm(width)

    def forward(self, x):
        return x + self.DenseReluDense(self.layer_norm(x))


class Block(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layer = nn.ModuleList(layers)

    def forward(self, x, encoded=None, mask=0):
        x = self.layer[0](x, mask)
        if encoded is not None:
            x = self.layer[1](x, encoded)
        return self.layer[-1](x)


class Stack(nn.Module):
    def __init__(self, width, frequencies, blocks):
        super().__init__()
        self.pos_emb = Positions(width, frequencies)
        self.block = nn.ModuleList(Block(layers) for layers in blocks)
        self.final_layer_norm = RmsNorm(width)

    def forward(self, x, encoded=None, mask=0):
        x = x + self.pos_emb(x)
        for block in self.block:
            x = block(x, encoded, mask)
        return self.final_layer_norm(x)


class MT3(nn.Module):
    """The network; its sizes are those of the weights."""

    def __init__(self, stored, heads, frequencies):
        super().__init__()
        width, bands = stored["proj.weight"].shape
        rows = stored["decoder_embed_tokens.weight"].shape[0]
        inner = stored["encoder.block.0.layer.0.SelfAttention.q.weight"].shape[0]
        hidden = stored["encoder.block.0.layer.1.DenseReluDense.wi_0.weight"].shape[0]

        def count(stack):
            return sum(name.startswith(stack) and name.endswith("SelfAttention.q.weight") for name in stored)

        self.proj = nn.Linear(bands, width, bias=False)
        self.encoder = Stack(width, frequencies, (
            (SelfAttentionLayer(width, inner, heads), FeedForwardLayer(width, hidden)) for _ in range(count("encoder.block."))))
        self.decoder_embed_tokens = nn.Embedding(rows, width)
        self.decoder = Stack(width, frequencies, (
            (SelfAttentionLayer(width, inner, heads), CrossAttentionLayer(width, inner, heads), FeedForwardLayer(width, hidden))
            for _ in range(count("decoder.block."))))
        self.lm_head = nn.Linear(width, rows, bias=False)

    def encode(self, features):  # [batch, frames, bands] -> [batch, frames, model]
        return self.encoder(self.proj(features))

    def decode(self, ids, encoded):  # [batch, positions] -> [batch, positions, rows]
        mask = torch.full((ids.shape[1], ids.shape[1]), MASKED, dtype=encoded.dtype).triu(1)
        return self.lm_head(self.decoder(self.decoder_embed_tokens(ids), encoded, mask))

    def greedy(self, features, most):
        """The likeliest ids after the start id, to the end id 1. Everything is computed anew for each: slow, and plain."""
        encoded, ids = self.encode(features), [0]
        while len(ids) <= most and ids[-1] != 1:
            ids.append(int(self.decode(torch.tensor([ids]), encoded)[0, -1].argmax()))
        return ids[1:]
