"""The Conformer that YourMT3+ can have as its encoder, in PyTorch."""
import torch
from torch import nn
from torch.nn import functional


class Encoder(nn.Module):
    """[batch, frames, width] -> the same."""

    def __init__(self, said):
        super().__init__()
        width, heads = said("d_model"), said("num_heads")
        relative = said("position_encoding_type", "rotary") == "relative"
        if not relative:
            self.embed_positions = Rotation(width // heads)
        self.layers = nn.ModuleList(ConformerLayer(said, relative) for _ in range(said("num_layers")))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x):
        positions = self.embed_positions if hasattr(self, "embed_positions") else None
        for layer in self.layers:
            x = layer(x, positions)
        return self.layer_norm(x)


class Rotation(nn.Module):
    """NOTE: a pair is a column of the first half of a head and one of the second."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("inv_freq", 10000.0 ** (-torch.arange(0, size, 2) / size))

    def rotate(self, x):  # [batch, frames, heads, size]
        angles = torch.arange(x.shape[1], dtype=x.dtype)[:, None, None] * self.inv_freq.repeat(2)
        first, second = x.chunk(2, -1)
        return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()


class FeedForward(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.intermediate_dense, self.output_dense = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.output_dense(functional.gelu(self.intermediate_dense(x)))


class SelfAttention(nn.Module):
    def __init__(self, width, heads, relative):
        super().__init__()
        self.heads = heads
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (nn.Linear(width, width) for _ in range(4))
        if relative:
            self.linear_pos = nn.Linear(width, width, bias=False)
            self.pos_bias_u, self.pos_bias_v = (nn.Parameter(torch.zeros(heads, width // heads)) for _ in range(2))

    def split(self, x):  # [..., frames, heads * size] -> [..., frames, heads, size]
        return x.unflatten(-1, (self.heads, -1))

    def forward(self, x, rotation):
        # NOTE: what queries and keys are made of is rotated, not they.
        turned = x if rotation is None else rotation.rotate(self.split(x)).flatten(-2)
        q, k, v = self.split(self.linear_q(turned)), self.split(self.linear_k(turned)), self.split(self.linear_v(x))
        if rotation is None:
            scores = torch.einsum("bihd,bjhd->bhij", q + self.pos_bias_u, k) + self.by_distance(q + self.pos_bias_v)
        else:
            scores = torch.einsum("bihd,bjhd->bhij", q, k)
        context = torch.einsum("bhij,bjhd->bihd", (scores * q.shape[-1] ** -0.5).softmax(-1), v)
        return self.linear_out(context.flatten(-2))

    def by_distance(self, q):
        length, width = q.shape[1], self.linear_pos.in_features
        places = torch.arange(length)
        behind = places[:, None] - places[None, :]  # how far the query is behind the key
        distances = torch.arange(1 - length, length)[:, None].to(q.dtype)
        angles = distances * 10000 ** (-torch.arange(0, width, 2, dtype=q.dtype) / width)
        p = self.split(self.linear_pos(torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)))
        return torch.einsum("bihd,ijhd->bhij", q, p[behind + length - 1])


class Convolution(nn.Module):
    def __init__(self, width, kernel):
        super().__init__()
        self.layer_norm = nn.LayerNorm(width)
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1, bias=False)
        self.glu = nn.GLU(1)
        self.depthwise_conv = nn.Conv1d(width, width, kernel, padding=(kernel - 1) // 2, groups=width, bias=False)
        self.batch_norm = nn.BatchNorm1d(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1, bias=False)

    def forward(self, x):
        y = self.glu(self.pointwise_conv1(self.layer_norm(x).transpose(1, 2)))
        return self.pointwise_conv2(functional.gelu(self.batch_norm(self.depthwise_conv(y)))).transpose(1, 2)


class ConformerLayer(nn.Module):
    def __init__(self, said, relative):
        super().__init__()
        width, hidden = said("d_model"), said("intermediate_size")
        self.ffn1_layer_norm, self.ffn1 = nn.LayerNorm(width), FeedForward(width, hidden)
        self.self_attn_layer_norm, self.self_attn = nn.LayerNorm(width), SelfAttention(width, said("num_heads"), relative)
        self.conv_module = Convolution(width, said("conv_depthwise_kernel_size", 31))
        self.ffn2_layer_norm, self.ffn2 = nn.LayerNorm(width), FeedForward(width, hidden)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x, rotation):
        x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
        x = x + self.self_attn(self.self_attn_layer_norm(x), rotation)
        x = x + self.conv_module(x)
        x = x + 0.5 * self.ffn2(self.ffn2_layer_norm(x))
        return self.final_layer_norm(x)
