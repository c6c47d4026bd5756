#!/usr/bin/env python3
"""The YourMT3+ with mixtures of experts (yourmt3-moe), at its full size, in Luthier and in PyTorch, in turns, on one thread each.

Both sides make the same weights of their names (SeededWeights) and the same noise, so no checkpoint is needed. Times are of the thread on a processor, not of the clock,
medians of all rounds, so that a busy machine matters less; it still matters. First the encodings and the logits of both are compared: a fast wrong answer is not timed.
PyTorch's side is written here with the operations that the model's authors use: eager, convolutions and their norms apart, keys and values joined step by step.

    python benchmarks/compare_yourmt3.py [--rounds 7] [--steps 32] [--segments 8] [--jar FILE]

needs numpy and torch. Floors are operations at the speed of a product in the cache, or bytes at that of a copy, whichever takes longer, both measured in the same run.
"""

import argparse
import math
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy  # noqa: E402: the variables come first
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
WINDOW, HOP, FFT, FRAMES, BANDS = 32767, 300, 2048, 110, 1024
IMAGE, LATENTS, WIDTH, HEADS, EXPERTS, CHOSEN, HIDDEN = 128, 26, 128, 8, 8, 2, 512
CHANNELS, MODEL, T5_HEADS, T5_HEAD, LAYERS, T5_HIDDEN, IDS = 13, 512, 6, 64, 8, 1024, 596
T5_WIDTH = T5_HEADS * T5_HEAD


def numbers(name, count):
    """Numbers from -0.5 to 0.5 of a name, as SeededWeights makes them."""
    state = 0
    for letter in name:
        state = (31 * state + ord(letter)) & 0xFFFFFFFF
    state = numpy.uint64((state - (1 << 32) if state >= 1 << 31 else state) & 0xFFFFFFFFFFFFFFFF)
    with numpy.errstate(over="ignore"):
        mixed = state + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ mixed >> numpy.uint64(30)) * numpy.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> numpy.uint64(27)) * numpy.uint64(0x94D049BB133111EB)
        mixed = (mixed ^ mixed >> numpy.uint64(31)) >> numpy.uint64(40)
    return mixed.astype(numpy.float32) / numpy.float32(1 << 24) - numpy.float32(0.5)


def weight(name, *shape):
    count = math.prod(shape)
    if name.endswith((".scale", ".variance")):
        values = 1 + 0.8 * numbers(name, count).astype(numpy.float64)
    else:
        spread = 0.2 if len(shape) == 1 else math.sqrt(12 / (count // shape[-1]))
        if name.startswith("decoder.") and name.endswith(".q.weight"):
            spread /= math.sqrt(T5_HEAD)  # T5 does not divide scores
        values = spread * numbers(name, count).astype(numpy.float64)
    return torch.from_numpy(values.astype(numpy.float32).reshape(shape))


def matrix(name, inputs, outputs):
    return weight(name, inputs, outputs).T.contiguous()


def thread():
    return time.thread_time() * 1e3


class Stages:
    """Milliseconds by stage."""

    def __init__(self):
        self.times = {}
        self.last = thread()

    def end(self, stage):
        now = thread()
        self.times[stage] = self.times.get(stage, 0) + now - self.last
        self.last = thread()


class Block:
    def __init__(self, name, inputs):
        self.parts = []
        for number, channels in ((1, inputs), (2, IMAGE)):
            kernel = weight(f"{name}.conv{number}.weight", 3, 3, channels, IMAGE).permute(3, 2, 0, 1).contiguous()
            norm = [weight(f"{name}.norm{number}.{part}", IMAGE) for part in ("mean", "variance", "scale", "bias")]
            self.parts.append((kernel, norm))
        self.shortcut = None
        if inputs != IMAGE:
            self.shortcut = (weight(f"{name}.shortcut.weight", 1, 1, inputs, IMAGE).permute(3, 2, 0, 1).contiguous(),
                             weight(f"{name}.shortcut.bias", IMAGE))

    def __call__(self, x):
        (first, norm1), (second, norm2) = self.parts
        y = F.relu(F.batch_norm(F.conv2d(x, first, padding=1), *norm1, eps=1e-5))
        y = F.batch_norm(F.conv2d(y, second, padding=1), *norm2, eps=1e-5)
        return F.avg_pool2d(F.relu(y + (x if self.shortcut is None else F.conv2d(x, *self.shortcut))), (1, 2))


class Norm:
    def __init__(self, name):
        self.scale, self.bias = weight(name + ".scale", WIDTH), weight(name + ".bias", WIDTH)

    def __call__(self, x):
        return F.layer_norm(x, (WIDTH,), self.scale, self.bias, 1e-5)


class Attention:
    """Of latents to each other or to a source; only queries are rotated, and of each head only the first columns."""

    def __init__(self, name, norm, source_norm, length, pixel):
        self.norm, self.source_norm = Norm(norm), None if source_norm is None else Norm(source_norm)
        self.q, self.k, self.v, self.out = ((matrix(f"{name}.{part}.weight", WIDTH, WIDTH), weight(f"{name}.{part}.bias", WIDTH))
                                            for part in ("q", "k", "v", "out"))
        places = torch.linspace(-1, 1, length) if pixel else torch.arange(length, dtype=torch.float32)
        angles = places[:, None] * torch.tensor([math.pi, 5 * math.pi] if pixel else [1, 0.01])  # [length, pairs]
        self.cosines, self.sines = angles.cos().repeat_interleave(2, 1), angles.sin().repeat_interleave(2, 1)

    def __call__(self, x, source=None):
        normed = self.norm(x)
        source = normed if source is None else self.source_norm(source)
        q, k, v = (F.linear(part, *weights).unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
                   for part, weights in ((normed, self.q), (source, self.k), (source, self.v)))
        turned, rest = q[..., :self.cosines.shape[1]], q[..., self.cosines.shape[1]:]
        across = torch.stack((-turned[..., 1::2], turned[..., ::2]), -1).flatten(-2)
        q = torch.cat((turned * self.cosines + across * self.sines, rest), -1)
        context = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(WIDTH / HEADS), -1) @ v
        return x + F.linear(context.transpose(1, 2).flatten(2), *self.out)


class Mixture:
    def __init__(self, name):
        self.router = matrix(name + ".router.weight", WIDTH, EXPERTS)
        self.experts = [[matrix(f"{name}.expert{i}.{part}.weight", *sizes)
                         for part, sizes in (("gate", (WIDTH, HIDDEN)), ("up", (WIDTH, HIDDEN)), ("down", (HIDDEN, WIDTH)))]
                        for i in range(EXPERTS)]

    def __call__(self, x):
        flat = x.flatten(0, 1)
        shares, chosen = torch.softmax(F.linear(flat, self.router), -1).topk(CHOSEN)
        shares = shares / shares.sum(-1, keepdim=True)
        total = torch.zeros_like(flat)
        for i, (gate, up, down) in enumerate(self.experts):
            vectors, place = torch.where(chosen == i)
            some = flat[vectors]
            made = F.linear(F.silu(F.linear(some, gate)) * F.linear(some, up), down)
            total.index_add_(0, vectors, made * shares[vectors, place, None])
        return total.view_as(x)


class Transformer:
    def __init__(self, name, length, pixel):
        self.attention = Attention(name + ".attention", name + ".pre_attention_norm", None, length, pixel)
        self.norm, self.mixture = Norm(name + ".pre_mlp_norm"), Mixture(name + ".mlp")

    def __call__(self, x, stages, stage):
        x = self.attention(x)
        x_normed = self.norm(x)
        stages.end(stage)
        x = x + self.mixture(x_normed)
        stages.end("experts")
        return x


class Decoder:
    """T5; keys and values of what came before are joined step by step."""

    def __init__(self):
        self.embedding, self.places = weight("decoder.token_embedding.weight", IDS, MODEL), weight("decoder.embedded.table", 1034, MODEL)
        self.layers = []
        for i in range(LAYERS):
            name = f"decoder.layer{i}"
            layer = {norm: weight(f"{name}.{norm}.scale", MODEL)
                     for norm in ("pre_self_attention_norm", "pre_cross_attention_norm", "pre_mlp_norm")}
            for kind in ("self_attention", "cross_attention"):
                for part in ("q", "k", "v", "out"):
                    sizes = (T5_WIDTH, MODEL) if part == "out" else (MODEL, T5_WIDTH)
                    layer[kind, part] = matrix(f"{name}.{kind}.{part}.weight", *sizes)
            for part, sizes in (("wi_0", (MODEL, T5_HIDDEN)), ("wi_1", (MODEL, T5_HIDDEN)), ("wo", (T5_HIDDEN, MODEL))):
                layer[part] = matrix(f"{name}.mlp.{part}.weight", *sizes)
            self.layers.append(layer)
        self.norm, self.logits = weight("decoder.out.scale", MODEL), matrix("decoder.logits.weight", MODEL, IDS)

    @staticmethod
    def rms(x, scale):
        return scale * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))

    @staticmethod
    def heads(x, projection):
        return F.linear(x, projection).unflatten(-1, (T5_HEADS, T5_HEAD)).transpose(1, 2)

    def begin(self, encoded):
        self.length = 0
        self.cache = [None] * LAYERS
        self.encoded = [tuple(self.heads(encoded, layer["cross_attention", part]) for part in "kv") for layer in self.layers]

    def attend(self, layer, kind, q, k, v):
        context = torch.softmax(q @ k.transpose(-1, -2), -1) @ v
        return F.linear(context.transpose(1, 2).flatten(2), layer[kind, "out"])

    def step(self, ids):
        x = self.embedding[ids][:, None] + self.places[self.length]
        for i, layer in enumerate(self.layers):
            normed = self.rms(x, layer["pre_self_attention_norm"])
            q, k, v = (self.heads(normed, layer["self_attention", part]) for part in "qkv")
            if self.cache[i] is not None:
                k, v = (torch.cat((before, new), 2) for before, new in zip(self.cache[i], (k, v)))
            self.cache[i] = (k, v)
            x = x + self.attend(layer, "self_attention", q, k, v)
            q = self.heads(self.rms(x, layer["pre_cross_attention_norm"]), layer["cross_attention", "q"])
            x = x + self.attend(layer, "cross_attention", q, *self.encoded[i])
            normed = self.rms(x, layer["pre_mlp_norm"])
            gated = F.gelu(F.linear(normed, layer["wi_0"]), approximate="tanh") * F.linear(normed, layer["wi_1"])
            x = x + F.linear(gated, layer["wo"])
        self.length += 1
        return F.linear(self.rms(x, self.norm) * MODEL ** -0.5, self.logits)[:, 0]


class PyTorch:
    def __init__(self):
        torch.set_num_threads(1)
        self.window = torch.hann_window(FFT)
        self.samples = torch.from_numpy(numbers("samples", WINDOW))
        self.blocks = [Block(f"pre_encoder.block{i}", 1 if i == 0 else IMAGE) for i in range(3)]
        self.latents = weight("encoder.latents", LATENTS, WIDTH)
        self.rounds = []
        for i in range(3):
            name = f"encoder.block{i}"
            spectral = f"{name}.spectral_cross_attention"
            self.rounds.append((Attention(spectral, spectral + ".query_norm", spectral + ".source_norm", LATENTS, True),
                                [Transformer(f"{name}.local{j}", LATENTS, True) for j in range(2)],
                                [Transformer(f"{name}.temporal{j}", FRAMES, False) for j in range(2)]))
        self.projection = matrix("pre_decoder.shared_linear.weight", LATENTS // CHANNELS * WIDTH, MODEL)
        self.decoder = Decoder()

    def encode(self):
        stages = Stages()
        spectrum = torch.stft(self.samples, FFT, HOP, window=self.window, center=True, pad_mode="reflect", return_complex=True)
        logs = torch.log(spectrum.abs()[1:].T + 1e-5)
        image = ((logs - logs.min()) / (logs.max() - logs.min() + 0.008))[None, None]
        stages.end("frontend")
        for block in self.blocks:
            image = block(image)  # [1, channels, time, frequency]
        stages.end("pre_encoder")
        source = image[0].transpose(0, 1)  # [time, channels, frequency]
        latents = self.latents.expand(FRAMES, LATENTS, WIDTH)
        stages.end("latents")
        for spectral, local, temporal in self.rounds:
            latents = spectral(latents, source)
            stages.end("spectral")
            for each in local:
                latents = each(latents, stages, "local")
            latents = latents.transpose(0, 1).contiguous()
            for each in temporal:
                latents = each(latents, stages, "temporal")
            latents = latents.transpose(0, 1).contiguous()
            stages.end("latents")
        self.encoded = F.linear(latents.reshape(FRAMES, CHANNELS, -1).transpose(0, 1), self.projection)  # [channels, time, model]
        stages.end("pre_decoder")
        return stages.times

    def decode(self, segments, steps):
        encoded = self.encoded.repeat(segments, 1, 1)
        start = thread()
        self.decoder.begin(encoded)
        times = [thread() - start]
        for step in range(steps):
            ids = torch.tensor([0 if step == 0 else (step * 7 + row * 31) % IDS for row in range(len(encoded))])
            start = thread()
            self.logits = self.decoder.step(ids)
            self.logits.argmax(-1)
            times.append(thread() - start)
        return times


class Luthier:
    def __init__(self, jar):
        self.process = subprocess.Popen(["java", "-Xmx2g", "-cp", jar, "org.luthier.benchmarks.YourMt3Server", str(ROOT)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("Luthier's side does not start")

    def ask(self, command):
        print(command, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().split()

    def encode(self):
        stages = {name: float(ms) for name, ms in (pair.split("=") for pair in self.ask("segment"))}
        stages["encoded"] = stages.pop("decoder")  # keys and values, which the other side is asked for apart
        return stages

    def decode(self, segments, steps):
        return [float(ms) for ms in self.ask(f"decoder {segments} {steps}")]


def compare(luthier, pytorch):
    """The largest difference beside the largest number."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "outputs"
        luthier.ask(f"outputs {file}")
        ours = numpy.fromfile(file, "<f4")
    pytorch.encode()
    pytorch.decode(1, 16)
    theirs = numpy.concatenate([pytorch.encoded.numpy().ravel(), pytorch.logits.numpy().ravel()])
    end = pytorch.encoded.numel()
    differences = [float(numpy.abs(ours[part] - theirs[part]).max() / numpy.abs(theirs[part]).max()) for part in (slice(end), slice(end, None))]
    print("largest difference of encodings %.1e, of logits %.1e" % tuple(differences))
    if max(differences) > 1e-3:
        raise SystemExit("different results; nothing is timed")


def costs(segments):
    """For each stage billions of operations and of bytes that cannot but pass: weights, and what layers leave for the next, written and read."""
    vectors = FRAMES * LATENTS
    images = [FRAMES * (BANDS >> i) * IMAGE for i in range(3)]
    rows = CHANNELS * segments

    def attention(queries, keys, sequences, sources):
        products = 2 * queries * WIDTH * WIDTH + 2 * sources * WIDTH * WIDTH + 2 * sequences * keys * (queries // sequences) * WIDTH
        return products, 3 * queries * WIDTH + 2 * sources * WIDTH

    spectral = attention(vectors, IMAGE, FRAMES, FRAMES * IMAGE)
    local, temporal = attention(vectors, LATENTS, FRAMES, vectors), attention(vectors, FRAMES, LATENTS, vectors)
    decoder_weights = LAYERS * (6 * MODEL * T5_WIDTH + 3 * MODEL * T5_HIDDEN) + MODEL * IDS
    memory = LAYERS * rows * FRAMES * 2 * T5_WIDTH
    products_and_floats = {
        "frontend": (FRAMES * 2.5 * FFT * math.log2(FFT) / 2, FRAMES * BANDS),
        "pre_encoder": (images[0] * 10 + sum(image * 9 * IMAGE * (1 if i == 0 else 2) for i, image in enumerate(images)),
                        2 * sum(2.5 * image for image in images)),
        "spectral": tuple(3 * x for x in spectral),
        "local": tuple(6 * x for x in local),
        "experts": (12 * vectors * WIDTH * (EXPERTS + CHOSEN * 3 * HIDDEN), 12 * (4 * vectors * WIDTH + EXPERTS * 3 * WIDTH * HIDDEN)),
        "temporal": tuple(6 * x for x in temporal),
        "latents": (0, 3 * 4 * vectors * WIDTH),
        "pre_decoder": (vectors * WIDTH * MODEL, vectors * WIDTH + CHANNELS * FRAMES * MODEL),
        "keys and values": (LAYERS * rows * FRAMES * MODEL * 2 * T5_WIDTH, memory + rows * FRAMES * MODEL),
        "step": (rows * (decoder_weights + LAYERS * FRAMES * 2 * T5_WIDTH), decoder_weights + memory),
    }
    return {stage: (2e-9 * products, 4e-9 * floats) for stage, (products, floats) in products_and_floats.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jar", default=str(ROOT / "benchmarks/target/org.luthier.benchmarks-0.1.0-SNAPSHOT.jar"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=32, help="of the decoder")
    parser.add_argument("--segments", type=int, nargs="*", default=[1, 8], help="that are decoded at once")
    options = parser.parse_args()
    luthier, pytorch = Luthier(options.jar), PyTorch()
    with torch.inference_mode():
        compare(luthier, pytorch)
        rates = [[float(rate) for rate in luthier.ask("machine")]]
        sides = (luthier, pytorch)
        for side in sides:  # warm
            for _ in range(3):
                side.encode()
                side.decode(1, 16)
        encoding, decoding = {side: [] for side in sides}, {(side, segments): [] for side in sides for segments in options.segments}
        for _ in range(options.rounds):
            for side in sides:
                encoding[side].append(side.encode())
                for segments in options.segments:
                    decoding[side, segments].append(side.decode(segments, options.steps))
        rates.append([float(rate) for rate in luthier.ask("machine")])
    operations, bandwidth = (max(rate) for rate in zip(*rates))
    print(f"products in the cache {operations:.0f} billion operations a second, copies {bandwidth:.0f} GB/s\n")
    print("| stage | 10^9 operations | MB | floor ms | Luthier ms | of the floor | PyTorch ms | ratio |\n|---|---|---|---|---|---|---|---|")

    def line(name, cost, ours, theirs):
        floor = max(cost[0] / operations, cost[1] / bandwidth) * 1e3
        print(f"| {name} | {cost[0]:.2f} | {cost[1] * 1e3:.0f} | {floor:.1f} | {ours:.1f} | {ours / floor:.2f} | {theirs:.1f} | {ours / theirs:.2f} |")
        return numpy.array([*cost, floor, ours, theirs])

    def median(side, stage):
        return statistics.median(times[stage] for times in encoding[side])

    stages = ("frontend", "pre_encoder", "latents", "spectral", "local", "temporal", "experts", "pre_decoder")
    total = sum(line(stage, costs(1)[stage], *(median(side, stage) for side in sides)) for stage in stages)
    ours, theirs = (statistics.median(sum(times[stage] for stage in stages) for times in encoding[side]) for side in sides)
    print(f"| **a segment** | {total[0]:.1f} | {total[1] * 1e3:.0f} | {total[2]:.0f} | **{ours:.0f}** | {ours / total[2]:.2f} | {theirs:.0f} | **{ours / theirs:.2f}** |")
    for segments in options.segments:
        cost = costs(segments)
        of = f"of {segments} segment{'s' if segments > 1 else ''}, {CHANNELS * segments} rows"
        line(f"keys and values {of}", cost["keys and values"], *(statistics.median(t[0] for t in decoding[side, segments]) for side in sides))
        line(f"a step {of}", cost["step"], *(statistics.median(ms for t in decoding[side, segments] for ms in t[2:]) for side in sides))
    luthier.process.stdin.close()


if __name__ == "__main__":
    main()
