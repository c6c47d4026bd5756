"""YourMT3+ in PyTorch, its modules named as in its checkpoints: what record_reference.py needs.

Written from the description of the network; every option that a checkpoint's own arguments can ask for is here. To record YourMT3+
itself, keep options() and run() and let load() return its module.

usage: record_reference.py yourmt3_torch.py --weights ymt3.pth --audio song.wav --segments 0 -o ymt3.safetensors
"""
import json
import math

import mt3_input
import numpy as np
import record_reference
import torch
import yourmt3_conformer
import yourmt3_perceiver
from mt3_torch import MASKED, Attention, Block, CrossAttentionLayer, FeedForwardLayer, RmsNorm, SelfAttentionLayer, weights
from torch import nn
from torch.nn import functional

T5_EXPERTS = 8


def options(parser):
    mt3_input.options(parser)
    parser.add_argument("--weights", required=True, help="PyTorch file with the checkpoint's arguments, as luthier checkpoint:convert writes it")
    parser.add_argument("--set", nargs=2, action="append", default=[], metavar=("ARGUMENT", "VALUE"),
                        help="another value for one of them, such as model_cfg.encoder.perceiver-tf.rope_apply_to_keys true")


def load(options, dtype):
    stored = weights(options.weights)
    said = torch.load(options.weights, map_location="cpu", weights_only=True).get("hyper_parameters")
    if not said:
        raise record_reference.Problem(f"{options.weights} does not tell the arguments of its model; luthier checkpoint:convert keeps them")
    for name, value in options.set:
        *parents, last = name.split(".")
        where = said
        for parent in parents:
            where = where[parent]
        where[last] = json.loads(value)
    model = YourMT3(Said(said))
    missing, unknown = model.load_state_dict(stored, strict=False)
    # Of the frequencies of a rotation, some have a name at every attention and are one tensor, others are no weights.
    missing = [name for name in missing if not name.endswith((".rotary_emb.freqs", ".inv_freq", ".num_batches_tracked"))]
    unknown = [name for name in unknown if "pitchshift" not in name]
    if missing or unknown:
        raise record_reference.Problem(f"{options.weights} is not what its arguments say: without {missing[:3]}, with {unknown[:3]}")
    return model.eval().to(getattr(torch, dtype))


def run(options, model, dtype, recorder):
    given = record_reference.read(options.input)[0] if options.input else {}
    if "frontend.in" in given:
        samples = recorder.given("frontend.in", lambda: given["frontend.in"])
    elif options.audio:
        samples = recorder.given("frontend.in", lambda: mt3_input.segment(options.audio, options.segment, model.segment))
    else:
        raise record_reference.Problem(f"{options.input} has no frontend.in")
    spectrogram = model.spectrogram(torch.from_numpy(samples).to(getattr(torch, dtype)))
    # NOTE: a bin near silence is mostly rounding and sets the range of all, so the second run hears what the first one did.
    heard = torch.from_numpy(recorder.same("heard", lambda: spectrogram.numpy())).to(getattr(torch, dtype))
    encoded = model.encode(heard)
    most = given["decoder.tokens"].shape[1] if "decoder.tokens" in given else options.said
    said = recorder.same("decoder.tokens", lambda: model.greedy(encoded, most))
    ids = recorder.given("decoder.input_ids", lambda: given.get("decoder.input_ids", shifted(said, options.fed)))
    model.decode(torch.from_numpy(ids).long(), encoded)
    recorder.tap("decoder.tokens", said)


def shifted(said, count):
    """The start id and the first ids of each row."""
    fed = np.zeros((said.shape[0], count), np.int32)
    known = min(count - 1, said.shape[1])
    fed[:, 1 : known + 1] = said[:, :known]
    return fed


class Said:
    """Arguments of a checkpoint; what it does not tell has the default of the code that read them."""

    def __init__(self, values):
        self.values = values

    def __call__(self, name, default=None):
        value = self.values.get(name)
        return default if value is None else value

    def inside(self, *names):
        values = self.values
        for name in names:
            values = values[name]
        return Said(values)


class Wrapped(nn.Module):
    """A module inside another one of the same name, as YourMT3+ has them."""

    def __init__(self, name, module):
        super().__init__()
        self.add_module(name, module)
        self.name = name

    def forward(self, *inputs):
        return getattr(self, self.name)(*inputs)


class YourMT3(nn.Module):
    def __init__(self, said):
        super().__init__()
        audio, model = said.inside("audio_cfg"), said.inside("model_cfg")
        kind, decoder = model("encoder_type"), model.inside("decoder", model("decoder_type"))
        encoder = model.inside("encoder", kind)
        self.segment = audio("input_frames")
        self.spectrogram = Spectrogram(audio)
        self.pre_encoder, self.pre_decoder = nn.Sequential(), nn.Sequential()
        self.channels = decoder("num_channels", 1)
        width, rows = decoder("d_model"), model("vocab_size")
        if kind == "perceiver-tf":
            self.pre_encoder.append(yourmt3_perceiver.pre_encoder(model("pre_encoder_type"), model("conv_out_channels", 128)))
            self.encoder = yourmt3_perceiver.Encoder(encoder)
            self.pre_decoder.append(yourmt3_perceiver.pre_decoder(model("pre_decoder_type"), encoder, self.channels, width))
        elif kind == "conformer":
            self.encoder = yourmt3_conformer.Encoder(encoder)
        else:
            self.encoder = Wrapped("encoder", Stack(encoder, causal=False))
        self.embed_tokens = nn.Embedding(rows, width)
        self.decoder = Wrapped("decoder", Stack(decoder, causal=True))
        self.scale = width**-0.5 if model("tie_word_embeddings", True) else 1
        self.lm_head = Wrapped("lm_head", nn.Linear(width, rows, bias=False))

    def encode(self, spectrogram):
        """[batch, frames, bands] -> [batch * channels, frames, model]: channels are rows."""
        encoded = self.pre_decoder(self.encoder(self.pre_encoder(spectrogram)))
        return encoded.flatten(0, 1) if encoded.ndim == 4 else encoded

    def decode(self, ids, encoded):
        decoded = self.decoder(self.embed_tokens(ids), encoded)
        return self.lm_head(decoded if self.scale == 1 else decoded * self.scale)

    def greedy(self, encoded, most):
        """
        The likeliest ids of all rows after the start id, until each has said the end id 1; padding behind it. The very first id is not
        looked at: it ends nothing. Everything is computed anew for each: slow, and plain.
        """
        fed = torch.zeros(encoded.shape[0], 1, dtype=torch.long)
        said, ended = [], torch.zeros(encoded.shape[0], dtype=torch.bool)
        while len(said) < most and not ended.all():
            likeliest = self.decode(fed, encoded)[:, -1].argmax(-1)
            said.append(likeliest.where(~ended, 0))
            if len(said) > 1:
                ended |= likeliest == 1
            fed = torch.cat([fed, likeliest[:, None]], 1)
        return torch.stack(said, 1).int().numpy()


class Magnitudes(nn.Module):
    """[batch, samples] -> [batch, bins, frames], frames around their times, both ends mirrored."""

    def __init__(self, size, hop, power):
        super().__init__()
        self.size, self.hop, self.power = size, hop, power
        self.register_buffer("window", torch.hann_window(size))

    def forward(self, samples):
        return torch.stft(samples, self.size, self.hop, window=self.window, return_complex=True).abs() ** self.power


class MelBands(nn.Module):
    def __init__(self, bins, bands):
        super().__init__()
        self.register_buffer("fb", torch.zeros(bins, bands))

    def forward(self, power):
        return (power.transpose(1, 2) @ self.fb).transpose(1, 2)


class Mel(nn.Module):
    def __init__(self, size, hop, bands):
        super().__init__()
        self.spectrogram = Magnitudes(size, hop, 2)
        self.mel_scale = MelBands(size // 2 + 1, bands)

    def forward(self, samples):
        return self.mel_scale(self.spectrogram(samples))


class Spectrogram(nn.Module):
    """Logarithms, each segment's from 0 to nearly 1: [batch, frames, bands]. Magnitudes are without the constant bin; power in bands is not."""

    def __init__(self, said):
        super().__init__()
        self.mel = said("codec") == "melspec"
        size, hop = said("n_fft"), said("hop_length")
        if self.mel:
            self.mel_stft = Mel(size, hop, said("n_mels"))
        else:
            self.stft = Magnitudes(size, hop, 1)

    def forward(self, samples):
        bands = self.mel_stft(samples) if self.mel else self.stft(samples)[:, 1:]
        logarithms = (bands + 1e-5).log().transpose(1, 2)
        least, most = logarithms.amin((1, 2), keepdim=True), logarithms.amax((1, 2), keepdim=True)
        return (logarithms - least) / (most - least + 0.008)


class Stack(nn.Module):
    """T5, with stored sinusoids or distances that count."""

    def __init__(self, said, causal):
        super().__init__()
        width, heads, self.causal = said("d_model"), said("num_heads"), causal
        inner, hidden = heads * said("d_kv", 64), width * said("ff_widening_factor", 2)
        if said("position_encoding_type", "sinusoidal") != "trainable":
            self.additive_pe = nn.Embedding(said("num_max_positions"), width)
        blocks = []
        for _ in range(said("num_layers")):
            layers = [SelfAttentionLayer(width, inner, heads)]
            if causal:
                layers.append(CrossAttentionLayer(width, inner, heads))
            moe = said("ff_layer_type") == "moe"
            layers.append(yourmt3_perceiver.Mixture(width, hidden, functional.silu, T5_EXPERTS, 2) if moe else FeedForwardLayer(width, hidden))
            blocks.append((MixtureBlock if moe else Block)(layers))
        if not hasattr(self, "additive_pe"):
            blocks[0].layer[0].SelfAttention = RelativeAttention(width, inner, heads)
        self.block = nn.ModuleList(blocks)
        self.final_layer_norm = RmsNorm(width)

    def forward(self, x, encoded=None):
        places = torch.arange(x.shape[1])
        mask = 0
        if hasattr(self, "additive_pe"):
            x = x + self.additive_pe(places)
        else:
            mask = self.block[0].layer[0].SelfAttention.bias(places, self.causal)
        if self.causal:
            mask = mask + torch.full((len(places), len(places)), MASKED, dtype=x.dtype).triu(1)
        for block in self.block:
            x = block(x, encoded, mask)
        return self.final_layer_norm(x)


class MixtureBlock(Block):
    """NOTE: nothing normalises what the mixture is fed."""

    def forward(self, x, encoded=None, mask=0):
        x = self.layer[0](x, mask)
        if encoded is not None:
            x = self.layer[1](x, encoded)
        return x + self.layer[-1](x)


class RelativeAttention(Attention):
    """The attention that has the table of distances for all layers."""

    BUCKETS, FARTHEST = 32, 128

    def __init__(self, width, inner, heads):
        super().__init__(width, inner, heads)
        self.relative_attention_bias = nn.Embedding(self.BUCKETS, heads)

    def bias(self, places, causal):  # -> [heads, queries, keys]
        distance = places[None, :] - places[:, None]
        buckets = self.BUCKETS if causal else self.BUCKETS // 2
        far = (-distance).clamp(min=0) if causal else distance.abs()
        exact = buckets // 2
        rough = exact + (far.clamp(min=1).float() / exact).log() / math.log(self.FARTHEST / exact) * (buckets - exact)
        bucket = far.where(far < exact, rough.long().clamp(max=buckets - 1))
        if not causal:
            bucket = bucket + buckets * (distance > 0)
        return self.relative_attention_bias(bucket).permute(2, 0, 1)
