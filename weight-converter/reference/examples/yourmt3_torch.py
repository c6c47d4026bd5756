"""The T5 variant of YourMT3+ (ymt3plus) in PyTorch, its modules named as in its checkpoints: what record_reference.py needs.

Written from the description of the network; the blocks are those of mt3_torch.py. To record YourMT3+ itself, whichever variant, keep
options() and run() and let load() return its module.

usage: record_reference.py yourmt3_torch.py --weights model.ckpt --input input.safetensors --heads 6 -o yourmt3.safetensors
"""
import record_reference
import torch
from mt3_torch import MASKED, CrossAttentionLayer, FeedForwardLayer, SelfAttentionLayer, Stack, weights
from torch import nn


def options(parser):
    parser.add_argument("--weights", required=True, help="PyTorch file, or safetensors of the same names")
    parser.add_argument("--input", required=True, help="a reference that holds frontend.spectrogram [rows, frames, bands] and decoder.input_ids")
    parser.add_argument("--heads", type=int, default=6)


def load(options, dtype):
    stored = weights(options.weights)
    model = YourMT3(stored, options.heads)
    missing, _ = model.load_state_dict(stored, strict=False)
    if missing:
        raise record_reference.Problem(f"{options.weights} is no ymt3plus: without {missing[:3]}")
    return model.eval().to(getattr(torch, dtype))


def run(options, model, dtype, recorder):
    stored, _ = record_reference.read(options.input)
    heard = torch.from_numpy(recorder.given("frontend.spectrogram", lambda: stored["frontend.spectrogram"])).to(getattr(torch, dtype))
    encoded = model.encoder(heard)
    ids = torch.from_numpy(recorder.given("decoder.input_ids", lambda: stored["decoder.input_ids"])).long()
    model.decode(ids, encoded)


class Wrapped(nn.Module):
    """A module inside another one of the same name, as YourMT3+ has them."""

    def __init__(self, name, module):
        super().__init__()
        self.add_module(name, module)
        self.name = name

    def forward(self, *inputs):
        return getattr(self, self.name)(*inputs)


class YourMT3(nn.Module):
    def __init__(self, stored, heads):
        super().__init__()
        rows, width = stored["embed_tokens.weight"].shape
        inner = stored["decoder.decoder.block.0.layer.0.SelfAttention.q.weight"].shape[0]
        hidden = stored["decoder.decoder.block.0.layer.2.DenseReluDense.wi_0.weight"].shape[0]

        def count(stack):
            return sum(name.startswith(stack) and name.endswith("SelfAttention.q.weight") for name in stored)

        # NOTE: position frequencies are i / half the width here; MT3 has one less.
        self.encoder = Wrapped("encoder", Stack(width, width // 2, (
            (SelfAttentionLayer(width, inner, heads), FeedForwardLayer(width, hidden)) for _ in range(count("encoder.encoder.block.")))))
        self.decoder = Wrapped("decoder", Stack(width, width // 2, (
            (SelfAttentionLayer(width, inner, heads), CrossAttentionLayer(width, inner, heads), FeedForwardLayer(width, hidden))
            for _ in range(count("decoder.decoder.block.")))))
        self.embed_tokens = nn.Embedding(rows, width)
        self.lm_head = Wrapped("lm_head", nn.Linear(width, rows, bias=False))

    def decode(self, ids, encoded):
        mask = torch.full((ids.shape[1], ids.shape[1]), MASKED, dtype=encoded.dtype).triu(1)
        decoded = self.decoder(self.embed_tokens(ids), encoded, mask)
        return self.lm_head(decoded * decoded.shape[-1] ** -0.5)
