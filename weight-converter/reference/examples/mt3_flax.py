"""MT3 in flax, its modules named as Magenta's are in the T5X checkpoints: what record_reference.py needs.

Written from the description of the network. To record Magenta's own, keep options() and run() and let load() return their module bound to
its parameters.

usage: record_reference.py mt3_flax.py --weights checkpoints/mt3 --audio song.wav --segments 0 -o mt3.safetensors
"""
import gzip
import json
import math
import pathlib

import flax
import jax
import jax.numpy as jnp
import mt3_input
import numpy as np
import record_reference
from flax import linen as nn

MASKED = -1e10


def options(parser):
    mt3_input.options(parser)
    parser.add_argument("--weights", required=True, help="folder of a T5X checkpoint, or safetensors of the same names")
    parser.add_argument("--heads", type=int, default=6)


def load(options, dtype):
    kernels = stored(pathlib.Path(options.weights))
    tree = flax.traverse_util.unflatten_dict({tuple(name.split(".")): jnp.asarray(array, dtype) for name, array in kernels.items()})
    return MT3(options.heads).bind({"params": tree})


def run(options, model, dtype, recorder):
    heard = jnp.asarray(mt3_input.features(options, recorder), dtype)
    said = mt3_input.said(options, recorder, lambda most: greedy(model, heard, most))
    encoded = model.encode(heard)
    model.decode(jnp.asarray(mt3_input.ids(options, recorder, said)), encoded)
    recorder.tap("decoder.tokens", said)


def greedy(model, features, most):
    """The likeliest ids after the start id, to the end id 1. Everything is computed anew for each: slow, and plain."""
    encoded, ids = model.encode(features), [0]
    while len(ids) <= most and ids[-1] != 1:
        ids.append(int(model.decode(jnp.asarray([ids]), encoded)[0, -1].argmax()))
    return ids[1:]


def stored(path):
    """The parameters by name: small ones stand in the file 'checkpoint', each large one is a folder with one gzip chunk."""
    if path.is_file():
        return record_reference.read(path)[0]
    parameters = flax.serialization.msgpack_restore((path / "checkpoint").read_bytes())["optimizer"]["target"]
    # A large one is told by where it is.
    tree = flax.traverse_util.flatten_dict(parameters, sep=".", is_leaf=lambda _, value: "driver" in value)
    return {name: value if isinstance(value, np.ndarray) else zarr(path / value["kvstore"]["path"]) for name, value in tree.items()}


def zarr(folder):
    about = json.loads((folder / ".zarray").read_text())
    if about["chunks"] != about["shape"] or (about["compressor"] or {}).get("id") != "gzip":
        raise record_reference.Problem(f"{folder}: expected one gzip chunk; read larger models with T5X")
    return np.frombuffer(gzip.decompress((folder / ".".join("0" for _ in about["shape"])).read_bytes()), about["dtype"]).reshape(about["shape"])


class RmsNorm(nn.Module):
    @nn.compact
    def __call__(self, x):
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],), x.dtype)
        return scale * (x * jax.lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + 1e-6))


class Dense(nn.Module):
    """From the last axes of x to axes of these sizes; the kernel has two."""

    features: tuple
    axes: int = 1

    @nn.compact
    def __call__(self, x):
        inputs = math.prod(x.shape[-self.axes :])
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (inputs, math.prod(self.features)), x.dtype)
        return (x.reshape(*x.shape[: -self.axes], inputs) @ kernel).reshape(*x.shape[: -self.axes], *self.features)


class Embed(nn.Module):
    @nn.compact
    def __call__(self, ids):
        return jnp.take(self.get_variable("params", "embedding"), ids, axis=0)


def positions(x):
    """Sines in the first half of the width, cosines in the second. [batch, length, model] -> [length, model]"""
    half = x.shape[-1] // 2
    angles = np.arange(x.shape[1])[:, None] * 10000.0 ** (-np.arange(half) / (half - 1))
    return jnp.asarray(np.concatenate([np.sin(angles), np.cos(angles)], axis=1), x.dtype)


class Attention(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, x, memory, mask=0):
        size = self.variables["params"]["query"]["kernel"].shape[1] // self.heads
        q = Dense((self.heads, size), name="query")(x)  # [batch, queries, heads, size]
        k = Dense((self.heads, size), name="key")(memory)
        v = Dense((self.heads, size), name="value")(memory)
        # NOTE: not divided by the root of the size: the trained queries have it in them
        probabilities = nn.softmax(jnp.einsum("bqhs,bkhs->bhqk", q, k) + mask)
        return Dense((x.shape[-1],), axes=2, name="out")(jnp.einsum("bhqk,bkhs->bqhs", probabilities, v))


class Mlp(nn.Module):
    @nn.compact
    def __call__(self, x):
        hidden = self.variables["params"]["wi_0"]["kernel"].shape[1]
        gate = nn.gelu(Dense((hidden,), name="wi_0")(x), approximate=True)
        return Dense((x.shape[-1],), name="wo")(gate * Dense((hidden,), name="wi_1")(x))


class EncoderLayer(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, x):
        y = RmsNorm(name="pre_attention_layer_norm")(x)
        x = x + Attention(self.heads, name="attention")(y, y)
        return x + Mlp(name="mlp")(RmsNorm(name="pre_mlp_layer_norm")(x))


class DecoderLayer(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, x, encoded, mask):
        y = RmsNorm(name="pre_self_attention_layer_norm")(x)
        x = x + Attention(self.heads, name="self_attention")(y, y, mask)
        y = RmsNorm(name="pre_cross_attention_layer_norm")(x)
        x = x + Attention(self.heads, name="encoder_decoder_attention")(y, encoded)
        return x + Mlp(name="mlp")(RmsNorm(name="pre_mlp_layer_norm")(x))


def layers(module):
    return sum(name.startswith("layers_") for name in module.variables["params"])


class Encoder(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, features):  # [batch, frames, bands] -> [batch, frames, model]
        width = self.variables["params"]["continuous_inputs_projection"]["kernel"].shape[1]
        x = Dense((width,), name="continuous_inputs_projection")(features)
        x = x + positions(x)
        for i in range(layers(self)):
            x = EncoderLayer(self.heads, name=f"layers_{i}")(x)
        return RmsNorm(name="encoder_norm")(x)


class Decoder(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, ids, encoded):  # [batch, positions] -> [batch, positions, rows]
        x = Embed(name="token_embedder")(ids)
        x = x + positions(x)
        mask = jnp.triu(jnp.full((ids.shape[1], ids.shape[1]), MASKED, x.dtype), 1)
        for i in range(layers(self)):
            x = DecoderLayer(self.heads, name=f"layers_{i}")(x, encoded, mask)
        rows = self.variables["params"]["logits_dense"]["kernel"].shape[1]
        return Dense((rows,), name="logits_dense")(RmsNorm(name="decoder_norm")(x))


class MT3(nn.Module):
    """The network; its sizes are those of the weights that it is bound to."""

    heads: int

    def setup(self):
        self.encoder = Encoder(self.heads)
        self.decoder = Decoder(self.heads)

    def encode(self, features):
        return self.encoder(features)

    def decode(self, ids, encoded):
        return self.decoder(ids, encoded)
