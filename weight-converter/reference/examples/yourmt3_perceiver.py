"""The parts of YourMT3+ that are a Perceiver-TF, in PyTorch: what comes before it, itself, and what stands between it and the decoder."""
import math

import torch
from mt3_torch import RmsNorm
from torch import nn
from torch.nn import functional

ACTIVATIONS = {"gelu": functional.gelu, "relu": functional.relu, "silu": functional.silu}
WINDOW, BEFORE, AFTER, SILENCE = 32, 15, 16, 1e-7


def pre_encoder(kind, channels):
    if kind == "hftt":
        return Hftt()
    if kind == "res3b_hftt":
        return Res3bHftt()
    return Res3b(channels, {"conv": (3, 3), "conv1d_t": (3, 1), "conv1d_f": (1, 3)}[kind])


class ResidualBlock(nn.Module):
    """[batch, inputs, frames, bands] -> [batch, outputs, frames, bands / 2]."""

    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, kernel, padding=padding, bias=False), nn.BatchNorm2d(outputs)
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.avg_pool2d(functional.relu(y + (self.shortcut(x) if hasattr(self, "shortcut") else x)), (1, 2))


class Res3b(nn.Module):
    """[batch, frames, bands] -> [batch, frames, bands / 8, channels]."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(1 if i == 0 else channels, channels, kernel) for i in range(3))

    def forward(self, x):
        x = x[:, None]
        for block in self.blocks:
            x = block(x)
        return x.permute(0, 2, 3, 1)


def around(x):
    """Frames of near silence before and behind [batch, frames, bands]."""
    return functional.pad(x, (0, 0, BEFORE, AFTER), value=SILENCE)


def windows(x):
    """[batch, frames, bands, channels] -> [batch, frames, bands, channels * WINDOW]: what each channel has around a frame."""
    return x.unfold(1, WINDOW, 1).flatten(-2)


class Hftt(nn.Module):
    def __init__(self, bands=128, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(1, channels, (1, 5), padding=(0, 2))
        self.emb_freq = nn.Linear(channels * WINDOW, bands)

    def forward(self, x):
        y = self.conv(around(x).transpose(1, 2)[:, None])  # [batch, channels, bands, frames]
        return self.emb_freq(windows(y.permute(0, 3, 2, 1)))


class Res3bHftt(nn.Module):
    def __init__(self, bands=128, channels=4):
        super().__init__()
        self.res3b = Res3b(channels, (3, 3))
        self.emb_freq = nn.Linear(channels * WINDOW, bands)

    def forward(self, x):
        return self.emb_freq(windows(self.res3b(around(x))))


class Encoder(nn.Module):
    """[batch, frames, frequencies, channels] -> [batch, frames, latents, width]."""

    def __init__(self, said):
        super().__init__()
        width, heads = said("d_latents", 128), said("num_cross_attention_heads", 8)
        self.over_channels = said("attention_to_channel")
        positions = said("position_encoding_type", "none")
        self.latent_array = Latents(said("num_latents"), width)
        places, latents = said("num_max_positions") + 10, said("num_latents")
        shapes = {"trainable": (places, latents, width), "tkd": (places, latents, width), "td": (places, width), "tk": (places, latents), "kdt": (latents, width)}
        if positions in shapes:
            self.pos_emb = Places(positions, shapes[positions], (places, width) if positions == "kdt" else None)
        rotations = [None] * 3
        if positions == "rope":
            # NOTE: the heads are counted where the width of one was meant.
            columns = heads // 2 if said("rope_partial_pe", False) else heads
            kinds = said("rope_type_sca", "pixel"), said("rope_type_latent", "pixel"), said("rope_type_temporal", "lang")
            rotations = [Frequencies(columns, kind.startswith("p")) for kind in kinds]
            self.rotary_emb_sca, self.rotary_emb_latent, self.rotary_emb_temporal = rotations
        self.blocks = nn.ModuleList(PerceiverBlock(said, rotations) for _ in range(said("num_blocks")))

    def forward(self, heard):
        batch, frames = heard.shape[:2]
        source = (heard.transpose(2, 3) if self.over_channels else heard).flatten(0, 1)
        h = self.latent_array().expand(batch, frames, -1, -1)
        added = None
        if hasattr(self, "pos_emb"):
            h = h + self.pos_emb.latent(frames)
            added = self.pos_emb.temporal(frames)
        for block in self.blocks:
            h = block(h, source, added).transpose(1, 2)
            added = None
        return h


class Latents(nn.Module):
    def __init__(self, count, width):
        super().__init__()
        self.latents = nn.Parameter(torch.zeros(count, width))

    def forward(self):
        return self.latents


class Places(nn.Module):
    def __init__(self, kind, shape, temporal):
        super().__init__()
        self.kind = kind
        self._pos_emb = nn.Parameter(torch.zeros(shape))
        if temporal:
            self._pos_emb_temporal = nn.Parameter(torch.zeros(temporal))

    def latent(self, frames):  # to be added to [batch, frames, latents, width]
        if self.kind == "kdt":
            return self._pos_emb
        p = self._pos_emb[:frames]
        return {"td": lambda: p[:, None], "tk": lambda: p[..., None]}.get(self.kind, lambda: p)()

    def temporal(self, frames):  # [frames, width], before the first layer over time
        return self._pos_emb_temporal[:frames] if self.kind == "kdt" else None


class Frequencies(nn.Module):
    """Of the first columns of each head; neighbours are a pair."""

    def __init__(self, columns, pixel):
        super().__init__()
        self.pixel = pixel
        self.register_buffer("freqs", torch.zeros(columns // 2))

    def rotate(self, x):  # [rows, heads, positions, size]
        length, columns = x.shape[-2], 2 * len(self.freqs)
        places = torch.linspace(-1, 1, length, dtype=x.dtype) if self.pixel else torch.arange(length, dtype=x.dtype)
        angles = places[:, None] * self.freqs
        even, odd = x[..., 0:columns:2], x[..., 1:columns:2]
        turned = torch.stack([even * angles.cos() - odd * angles.sin(), odd * angles.cos() + even * angles.sin()], -1)
        return torch.cat([turned.flatten(-2), x[..., columns:]], -1)


class Slopes(nn.Module):
    """How much each head minds the distance. NOTE: trained ones count in the first head only."""

    def __init__(self, heads, trained):
        super().__init__()
        self.heads, self.trained = heads, trained
        if trained:
            self.slopes = nn.Parameter(torch.zeros(heads, 1, 1))

    def of(self, queries, keys, dtype):
        distance = (torch.arange(keys)[None, :] - (torch.arange(queries)[:, None] + keys - queries)).abs().to(dtype)
        if self.trained:
            slopes = torch.cat([self.slopes[:1].sigmoid(), torch.zeros_like(self.slopes[1:])])
        else:
            slopes = torch.tensor(usual_slopes(self.heads), dtype=dtype)[:, None, None]
        return -slopes * distance


def usual_slopes(heads):
    below = 2 ** int(math.log2(heads))
    slopes = [2 ** (-8 * (h + 1) / below) for h in range(below)]
    return slopes + (usual_slopes(2 * below)[0::2][: heads - below] if below < heads else [])


class AttentionCore(nn.Module):
    def __init__(self, said, heads, source, rotation):
        super().__init__()
        width, keys, values = said("d_latents", 128), said("qk_channels", 128), said("v_channels", 128)
        self.heads, self.rotate_keys = heads, said("rope_apply_to_keys", False)
        self.layernorm1 = norm(said, width)
        if source:
            self.layernorm2 = norm(said, source)
        self.query, self.key, self.value = nn.Linear(width, keys), nn.Linear(source or width, keys), nn.Linear(source or width, values)
        self.softmax = nn.Softmax(-1)  # a module, so that scores and probabilities are recorded
        if rotation:
            self.rotary_emb = rotation
        if said("position_encoding_type") in ("alibi", "alibit"):
            self.alibi_bias = Slopes(heads, said("position_encoding_type") == "alibit")

    def split(self, x):  # [rows, positions, heads * size] -> [rows, heads, positions, size]
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, h, u=None):
        h = self.layernorm1(h)
        u = h if u is None else self.layernorm2(u)
        q, k, v = self.split(self.query(h)), self.split(self.key(u)), self.split(self.value(u))
        if hasattr(self, "rotary_emb"):
            q = self.rotary_emb.rotate(q)
            k = self.rotary_emb.rotate(k) if self.rotate_keys else k
        scores = q @ k.transpose(-1, -2)
        if hasattr(self, "alibi_bias"):
            scores = scores + self.alibi_bias.of(q.shape[-2], k.shape[-2], scores.dtype)
        return (self.softmax(scores * q.shape[-1] ** -0.5) @ v).transpose(1, 2).flatten(-2)


class AttentionOutput(nn.Module):
    def __init__(self, values, width):
        super().__init__()
        self.dense = nn.Linear(values, width)

    def forward(self, x):
        return self.dense(x)


class LatentAttention(nn.Module):
    def __init__(self, said, heads, rotation, source=None, residual=True):
        super().__init__()
        self.add_module("self", AttentionCore(said, heads, source, rotation))
        self.output = AttentionOutput(said("v_channels", 128), said("d_latents", 128))
        self.residual = residual

    def forward(self, h, u=None):
        o = self.output(getattr(self, "self")(h, u))
        return o + h if self.residual else o


class LatentLayer(nn.Module):
    def __init__(self, said, rotation):
        super().__init__()
        width = said("d_latents", 128)
        self.attention = LatentAttention(said, said("num_self_attention_heads", 8), rotation)
        self.layernorm = norm(said, width)
        hidden, activation = width * said("ff_widening_factor", 1), ACTIVATIONS[said("hidden_act", "gelu")]
        kind = said("ff_layer_type", "mlp")
        if kind == "moe":
            self.mlp = Mixture(width, hidden, activation, said("moe_num_experts"), said("moe_topk"))
        else:
            self.mlp = (GatedMlp if kind == "gmlp" else Mlp)(width, hidden, activation)

    def forward(self, h):
        h = self.attention(h)
        return h + self.mlp(self.layernorm(h))


class PerceiverBlock(nn.Module):
    """[batch, frames, latents, width] -> [batch, latents, frames, width]."""

    def __init__(self, said, rotations):
        super().__init__()
        spectral, local, temporal = rotations
        residual = said("sca_use_query_residual", True)
        self.spectral_cross_attention = LatentAttention(said, said("num_cross_attention_heads", 8), spectral, said("kv_dim", 128), residual)
        self.local_transformer = nn.ModuleList(LatentLayer(said, local) for _ in range(said("num_local_transformers_per_block")))
        self.temporal_transformer = nn.ModuleList(LatentLayer(said, temporal) for _ in range(said("num_temporal_transformers_per_block")))

    def forward(self, h, source, added):
        batch, frames, latents, _ = h.shape
        h = self.spectral_cross_attention(h.flatten(0, 1), source)
        for layer in self.local_transformer:
            h = layer(h)
        h = h.unflatten(0, (batch, frames)).transpose(1, 2).flatten(0, 1)
        h = h if added is None else h + added
        for layer in self.temporal_transformer:
            h = layer(h)
        return h.unflatten(0, (batch, latents))


def norm(said, width):
    epsilon = said("layer_norm_eps", 1e-5)
    return RmsNorm(width, epsilon) if said("layer_norm_type") == "rms_norm" else nn.LayerNorm(width, epsilon)


class Mlp(nn.Module):
    def __init__(self, width, hidden, activation):
        super().__init__()
        self.dense1, self.dense2, self.activation = nn.Linear(width, hidden), nn.Linear(hidden, width), activation

    def forward(self, x):
        return self.dense2(self.activation(self.dense1(x)))


class GatedMlp(nn.Module):
    def __init__(self, width, hidden, activation):
        super().__init__()
        self.w1, self.gate = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.w2, self.activation = nn.Linear(hidden, width, bias=False), activation

    def forward(self, x):
        return self.w2(self.activation(self.w1(x)) * self.gate(x))


class Choice(nn.Module):
    """How much the likeliest experts count, and which they are; a module, so that it is recorded."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def forward(self, router):
        likely, experts = router.softmax(-1).topk(self.count, -1)
        return likely / likely.sum(-1, keepdim=True), experts


class Mixture(nn.Module):
    """Each vector goes through few of many experts. gate chooses; inside an expert it is the branch that nothing activates."""

    def __init__(self, width, hidden, activation, experts, chosen):
        super().__init__()
        self.gate = nn.Linear(width, experts, bias=False)
        self.choice = Choice(chosen)
        self.experts = nn.ModuleList(GatedMlp(width, hidden, activation) for _ in range(experts))

    def forward(self, x):
        vectors = x.flatten(0, -2)
        counts, chosen = self.choice(self.gate(vectors))
        result = torch.zeros_like(vectors)
        for number, expert in enumerate(self.experts):
            rank, rows = (chosen.T == number).nonzero(as_tuple=True)
            if len(rows):
                result.index_add_(0, rows, expert(vectors[rows]) * counts[rows, rank, None])
        return result.view_as(x)


def pre_decoder(kind, said, channels, width):
    latents, latent = said("num_latents"), said("d_latents", 128)
    if kind == "linear":
        return Linear(latents * latent, width)
    if kind == "mc_shared_linear":
        return SharedLinear(channels, latents // channels * latent, width)
    if kind == "group_linear":
        return GroupedLinear(latents, latent, width)
    if kind.startswith("conv"):
        return Convolved(latents, latent, width, int(kind[4:]))
    return Layers(latents * latent, width, {"mlp": nn.Identity, "mlp_gelu": nn.GELU, "mlp_relu": nn.ReLU}[kind])


class Linear(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.projection_layer = nn.Linear(inputs, width, bias=False)

    def forward(self, h):
        return self.projection_layer(h.flatten(-2))


class SharedLinear(nn.Module):
    """[batch, frames, latents, width] -> [batch, channels, frames, model]: neighbouring latents are a channel's."""

    def __init__(self, channels, inputs, width):
        super().__init__()
        self.channels = channels
        if inputs != width:
            self.linear = nn.Linear(inputs, width, bias=False)

    def forward(self, h):
        h = h.unflatten(2, (self.channels, -1)).flatten(-2).transpose(1, 2)
        return self.linear(h) if hasattr(self, "linear") else h


class GroupedLinear(nn.Module):
    def __init__(self, latents, latent, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(latents, width // latents, latent))

    def forward(self, h):
        return torch.einsum("btkd,kod->btko", h, self.weight).flatten(-2)


class Convolved(nn.Module):
    """NOTE: what the filters give is cut into frames as it lies, filter by filter."""

    def __init__(self, latents, latent, width, depth):
        super().__init__()
        filters = latents * (width // latent)
        self.conv = nn.Conv2d(latents, filters, (1, depth), groups=latents)
        self.fc = nn.Linear(filters * (latent - depth + 1), width)

    def forward(self, h):
        y = self.conv(h.transpose(1, 2))
        return self.fc(y.contiguous().view(y.shape[0], y.shape[2], -1))


class Layers(nn.Module):
    def __init__(self, inputs, width, activation):
        super().__init__()
        inner = inputs // 2
        self.layers = nn.Sequential(
            nn.Flatten(-2), nn.Linear(inputs, inner), nn.LayerNorm(inner), activation(), nn.Linear(inner, inner), nn.LayerNorm(inner), activation(), nn.Linear(inner, width))

    def forward(self, h):
        return self.layers(h)
