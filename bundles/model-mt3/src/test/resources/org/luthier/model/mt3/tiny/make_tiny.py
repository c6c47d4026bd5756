#!/usr/bin/env python3
"""Makes tiny.safetensors, a small MT3 of random weights in T5X's names, and golden.safetensors, what it computes, in luthier-reference/1.

Everything is computed in float64, straight from the description of the network and by whole matrices, without a cache; written as float32.
Needs numpy.   usage: make_tiny.py
"""
import json
import pathlib
import struct

import numpy as np

SEED = 129
FRAMES, BANDS, MODEL, HEADS, SIZE, HIDDEN = 12, 512, 24, 2, 8, 20
ENCODER_LAYERS, DECODER_LAYERS, IDS, ROWS, MAX_TOKENS, FED = 3, 2, 40, 48, 24, 9
SEGMENTS = 3
HERE = pathlib.Path(__file__).parent


def random_weights(rng):
    weights = {}

    def kernel(name, inputs, outputs, gain=1.0):
        weights[name + ".kernel"] = rng.normal(0, gain / np.sqrt(inputs), (inputs, outputs))

    def norm(name):
        weights[name + ".scale"] = rng.uniform(0.6, 1.4, MODEL)

    def attention(name):
        for part in ("query", "key", "value"):
            kernel(f"{name}.{part}", MODEL, HEADS * SIZE, 0.8)
        kernel(name + ".out", HEADS * SIZE, MODEL)

    def mlp(name):
        kernel(name + ".wi_0", MODEL, HIDDEN, 1.5)
        kernel(name + ".wi_1", MODEL, HIDDEN)
        kernel(name + ".wo", HIDDEN, MODEL)

    kernel("encoder.continuous_inputs_projection", BANDS, MODEL, 0.3)
    for i in range(ENCODER_LAYERS):
        layer = f"encoder.layers_{i}"
        norm(layer + ".pre_attention_layer_norm")
        attention(layer + ".attention")
        norm(layer + ".pre_mlp_layer_norm")
        mlp(layer + ".mlp")
    norm("encoder.encoder_norm")
    weights["decoder.token_embedder.embedding"] = rng.normal(0, 1, (ROWS, MODEL))
    for i in range(DECODER_LAYERS):
        layer = f"decoder.layers_{i}"
        norm(layer + ".pre_self_attention_layer_norm")
        attention(layer + ".self_attention")
        norm(layer + ".pre_cross_attention_layer_norm")
        attention(layer + ".encoder_decoder_attention")
        norm(layer + ".pre_mlp_layer_norm")
        mlp(layer + ".mlp")
    norm("decoder.decoder_norm")
    kernel("decoder.logits_dense", MODEL, ROWS, 2.0)
    return {name: value.astype(np.float32).astype(np.float64) for name, value in weights.items()}


class Network:
    """One sequence at a time; remembers every intermediate under its canonical name."""

    def __init__(self, weights):
        self.w = weights
        self.taps = {}

    def tap(self, name, value):
        self.taps[name] = value
        return value

    @staticmethod
    def positions(count):
        half = MODEL // 2
        angle = np.arange(count)[:, None] * 10000.0 ** (-np.arange(half) / (half - 1))
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    def norm(self, name, stored, x):
        scaled = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6)
        return self.tap(name, scaled * self.w[stored + ".scale"])

    def attention(self, name, stored, x, memory, causal):
        def heads(y):
            return y.reshape(len(y), HEADS, SIZE).transpose(1, 0, 2)

        q = self.tap(name + ".q", x @ self.w[stored + ".query.kernel"])
        k = self.tap(name + ".k", memory @ self.w[stored + ".key.kernel"])
        v = self.tap(name + ".v", memory @ self.w[stored + ".value.kernel"])
        logits = heads(q) @ heads(k).transpose(0, 2, 1)
        if causal:
            logits = logits + np.where(np.arange(len(k)) > np.arange(len(q))[:, None], -1e10, 0)
        self.tap(name + ".logits", logits)
        probs = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probs = self.tap(name + ".probs", probs / probs.sum(axis=-1, keepdims=True))
        context = self.tap(name + ".context", (probs @ heads(v)).transpose(1, 0, 2).reshape(len(q), HEADS * SIZE))
        return self.tap(name + ".out", context @ self.w[stored + ".out.kernel"])

    def mlp(self, name, stored, x):
        z = x @ self.w[stored + ".wi_0.kernel"]
        gate = self.tap(name + ".wi_0_act", 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))))
        up = self.tap(name + ".wi_1", x @ self.w[stored + ".wi_1.kernel"])
        return self.tap(name + ".wo", self.tap(name + ".gated", gate * up) @ self.w[stored + ".wo.kernel"])

    def encode(self, features):
        x = self.tap("encoder.input_projection", features @ self.w["encoder.continuous_inputs_projection.kernel"])
        x = self.tap("encoder.embedded", x + self.positions(len(x)))
        for i in range(ENCODER_LAYERS):
            name, stored = f"encoder.layer{i}", f"encoder.layers_{i}"
            y = self.norm(name + ".pre_attention_norm", stored + ".pre_attention_layer_norm", x)
            x = x + self.attention(name + ".attention", stored + ".attention", y, y, False)
            self.tap(name + ".after_attention", x)
            y = self.norm(name + ".pre_mlp_norm", stored + ".pre_mlp_layer_norm", x)
            x = self.tap(name + ".out", x + self.mlp(name + ".mlp", stored + ".mlp", y))
        return self.norm("encoder.out", "encoder.encoder_norm", x)

    def decode(self, ids, encoded):
        x = self.tap("decoder.token_embedding", self.w["decoder.token_embedder.embedding"][ids])
        x = self.tap("decoder.embedded", x + self.positions(len(ids)))
        for i in range(DECODER_LAYERS):
            name, stored = f"decoder.layer{i}", f"decoder.layers_{i}"
            y = self.norm(name + ".pre_self_attention_norm", stored + ".pre_self_attention_layer_norm", x)
            x = x + self.attention(name + ".self_attention", stored + ".self_attention", y, y, True)
            self.tap(name + ".after_self_attention", x)
            y = self.norm(name + ".pre_cross_attention_norm", stored + ".pre_cross_attention_layer_norm", x)
            x = x + self.attention(name + ".cross_attention", stored + ".encoder_decoder_attention", y, encoded, False)
            self.tap(name + ".after_cross_attention", x)
            y = self.norm(name + ".pre_mlp_norm", stored + ".pre_mlp_layer_norm", x)
            x = self.tap(name + ".out", x + self.mlp(name + ".mlp", stored + ".mlp", y))
        x = self.norm("decoder.out", "decoder.decoder_norm", x)
        return self.tap("decoder.logits", x @ self.w["decoder.logits_dense.kernel"])

    def greedy(self, encoded):
        """The likeliest ids, up to the end id, and the smallest gap between the likeliest and the second."""
        ids, gap = [0], np.inf
        while len(ids) <= MAX_TOKENS and ids[-1] != 1:
            last = np.sort(self.decode(ids, encoded)[-1])
            gap = min(gap, last[-1] - last[-2])
            ids.append(int(np.argmax(self.decode(ids, encoded)[-1])))
        return ids[1:], gap


def write(name, tensors, metadata=None):
    header, data = {}, b""
    for key, value in tensors.items():
        kind = "I32" if value.dtype.kind == "i" else "F32"
        raw = value.astype("<i4" if kind == "I32" else "<f4").tobytes()
        header[key] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (HERE / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def make(seed):
    rng = np.random.default_rng(seed)
    weights = random_weights(rng)
    features = rng.normal(-6, 3, (SEGMENTS, FRAMES, BANDS))
    features[:, :, 10] = np.log(1e-5)  # an empty band
    features[2, 8:] = 0  # behind the end of the recording
    features = features.astype(np.float32).astype(np.float64)
    rows, tokens, gap = [], [], np.inf
    for segment in range(SEGMENTS):
        network = Network(weights)
        encoded = network.encode(features[segment])
        said, smallest = network.greedy(encoded)
        tokens.append(said)
        gap = min(gap, smallest)
        network.decode([0] + said[: FED - 1] + [5] * (FED - 1 - len(said)), encoded)
        rows.append(network.taps)
    return weights, features, rows, tokens, gap


def main():
    weights, features, rows, tokens, gap = make(SEED)
    lengths = [len(said) for said in tokens]
    print("tokens", tokens, "smallest gap", gap)
    # Rows that leave the batch one after the other, and no decision that rounding could turn.
    assert len(set(lengths)) == SEGMENTS and gap > 1e-3
    golden = {"frontend.logmel": features}
    steps = [name for name in rows[0] if name.startswith("decoder.") and ".cross_attention.k" not in name and ".cross_attention.v" not in name]
    for name in rows[0]:
        if name == "decoder.token_embedding":
            golden["decoder.input_ids"] = np.array([[0] + (said + [5] * FED)[: FED - 1] for said in tokens])
        golden[name] = np.stack([taps[name] for taps in rows])
    golden["decoder.tokens"] = np.array([said + [0] * (max(lengths) - len(said)) for said in tokens])
    write("tiny.safetensors", weights)
    write("golden.safetensors", golden, {
        "format": "luthier-reference/1", "model": "mt3", "framework": "numpy", "dtype": "float64", "seed": str(SEED),
        "segments": json.dumps(list(range(SEGMENTS))), "order": json.dumps(list(golden)),
        "steps": json.dumps(["decoder.input_ids", *steps, "decoder.tokens"])})


if __name__ == "__main__":
    main()
