#!/usr/bin/env python3
"""Basic Pitch in Luthier and in onnxruntime, side by side in one run.

Both sides are warmed up, then take turns, so that a busy machine is busy for both; what is printed are medians and their ratio. First the outputs of
both are compared: a fast wrong answer is not timed.

Needs numpy, onnx and onnxruntime, and the benchmarks built: mvn -q install -DskipTests -pl benchmarks. Run from the checkout:
python benchmarks/compare.py [--threads 1 2] [--rounds 9] [--command ./luthier]
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

import onnx_model

ROOT = pathlib.Path(__file__).resolve().parent.parent
WINDOW, HOP, LEAD, TRIM, KEPT = 43844, 36164, 3840, 15, 142


def safetensors(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size:]
    return {name: np.frombuffer(body[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]) for name, t in header.items()}


class Onnx:
    def __init__(self, model, samples, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.samples = samples
        count = -(-(len(samples) + LEAD) // HOP)
        padded = np.zeros(count * HOP + WINDOW, np.float32)
        padded[LEAD:LEAD + len(samples)] = samples
        self.windows = [padded[None, i * HOP:i * HOP + WINDOW] for i in range(count)]

    def window(self, count):
        times = []
        for _ in range(count):
            start = time.perf_counter()
            self.session.run(None, {"audio": self.windows[1]})
            times.append((time.perf_counter() - start) * 1e3)
        return times

    def outputs(self):
        frames = int((len(self.samples) / HOP) * KEPT)
        results = [self.session.run(None, {"audio": w}) for w in self.windows]
        return [np.concatenate([r[o][0, TRIM:-TRIM] for r in results])[:frames] for o in range(3)]

    def recording(self):
        start = time.perf_counter()
        self.outputs()
        return (time.perf_counter() - start) * 1e3

    def close(self):
        pass


class Luthier:
    def __init__(self, samples, kernels, threads):
        jar = ROOT / "benchmarks/target/org.luthier.benchmarks-0.1.0-SNAPSHOT.jar"
        if not jar.exists():
            sys.exit(f"{jar} is missing; build it first: mvn -q install -DskipTests -pl benchmarks")
        self.folder = tempfile.TemporaryDirectory()
        wave = os.path.join(self.folder.name, "samples.npy")
        np.save(wave, samples)
        environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        self.process = subprocess.Popen(
            ["java", "-Xmx1g", "-cp", str(jar), "org.luthier.benchmarks.CompareServer", str(ROOT), wave, kernels, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        self.answer("ready")

    def answer(self, expected=None):
        line = self.process.stdout.readline().strip()
        if not line or (expected and line != expected):
            sys.exit(f"the Java side stopped: expected {expected or 'an answer'}, got '{line}'")
        return line

    def ask(self, command):
        print(command, file=self.process.stdin, flush=True)
        return self.answer()

    def window(self, count):
        return [float(t) for t in self.ask(f"window {count}").split()]

    def recording(self):
        return float(self.ask("recording"))

    def outputs(self):
        file = os.path.join(self.folder.name, "outputs")
        self.ask(f"outputs {file}")
        values = np.fromfile(file, "<f4")
        frames = len(values) // (264 + 88 + 88)
        cuts = np.cumsum([frames * 264, frames * 88])
        return [part.reshape(frames, -1) for part in np.split(values, cuts)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def check(luthier, onnx, golden, sample_length):
    # The recorded outputs are those of the sample once; the windows that lie inside it are the same.
    frames = KEPT * ((sample_length + LEAD - WINDOW) // HOP + 1)
    for name, ours, theirs in zip(("contour", "note", "onset"), luthier.outputs(), onnx.outputs()):
        for what, a, b in (("onnxruntime", ours, theirs), ("the recorded original", ours[:frames], golden[name][:frames])):
            largest = float(np.abs(a - b).max())
            print(f"  {name}: largest difference from {what} {largest:.1e}")
            if largest > 2e-3:
                sys.exit(f"{name} differs; nothing is timed")


def turns(sides, rounds, take):
    times = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name] += take(side)
    return {name: statistics.median(t) for name, t in times.items()}


def command(luthier, runs):
    """Wall-clock seconds and peak memory of transcribing the sample as a command of its own."""
    audio = sorted((ROOT / "samples").glob("*.flac"))[0]
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs + 1):
            start = time.perf_counter()
            subprocess.run([luthier, "transcribe", str(audio), "-o", os.path.join(folder, f"{run}.mid")], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\n`luthier transcribe {audio.name}`: {statistics.median(seconds[1:]):.2f} s from start to MIDI (median of {runs}), peak memory {memory:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=60, help="length of the recording: the sample, repeated")
    parser.add_argument("--kernels", default="cpu")
    parser.add_argument("--command", help="the launcher; its start-up and peak memory are measured too")
    options = parser.parse_args()
    if options.command:
        command(options.command, 5)
    sample = np.load(ROOT / "samples/vocadito14/wave_22050.npy")
    golden = np.load(ROOT / "samples/vocadito14/posteriorgrams.npz")
    samples = np.resize(sample, options.seconds * 22050)
    model = onnx_model.build(safetensors(ROOT / "models/basic-pitch/basic-pitch.safetensors")).SerializeToString()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, onnxruntime {onnxruntime.__version__}, kernels {options.kernels}, {options.rounds} rounds")
    rows = []
    for threads in options.threads:
        sides = {"luthier": Luthier(samples, options.kernels, threads), "onnxruntime": Onnx(model, samples, threads)}
        print(f"{threads} threads:")
        check(sides["luthier"], sides["onnxruntime"], golden, len(sample))
        turns(sides, 2, lambda side: side.window(40))
        rows.append((f"one window (2 s), {threads} threads", turns(sides, options.rounds, lambda side: side.window(10))))
        turns(sides, 1, lambda side: [side.recording()])
        rows.append((f"{options.seconds} s, {threads} threads", turns(sides, options.rounds, lambda side: [side.recording()])))
        for side in sides.values():
            side.close()
    print("\n| warm, samples to posteriorgrams | Luthier ms | onnxruntime ms | ratio |\n|---|---|---|---|")
    for what, times in rows:
        ours, theirs = times["luthier"], times["onnxruntime"]
        print(f"| {what} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
