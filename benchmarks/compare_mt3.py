#!/usr/bin/env python3
"""MT3 in Luthier and in PyTorch, as commands of their own, in turns, so that a busy machine is busy for both.

Luthier's side is one cold command: the seconds of front end, encoder and decoder are those that it writes into its notes. PyTorch's side is the second
repeat of a script that prints "front end S s, encoder S s, decoder S s" for each repeat, so it is warm. First the tokens of both are compared: a fast wrong answer is
not timed. Peak memory is what the system says of each process.

    python benchmarks/compare_mt3.py --checkpoint DIR --baseline SCRIPT [--python PYTHON] [--rounds 5] [--minutes 5] AUDIO...

SCRIPT is called as SCRIPT CHECKPOINT AUDIO --threads N --repeat 2 --json FILE. With --minutes the files are also joined, repeatedly, to one that long.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = re.compile(r"front end ([\d.]+) s, encoder ([\d.]+) s, decoder ([\d.]+) s")
PHASES = ("frontend", "encoder", "decoder")


def run(command):
    """Wall-clock seconds, peak memory in MB and what was printed."""
    with tempfile.TemporaryFile("w+") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        text = printed.read()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{text[-2000:]}")
    return wall, usage.ru_maxrss / 1024, text


def luthier(options, audio, folder):
    notes = folder / "luthier.json"
    command = [options.luthier, "transcribe", audio, "--model", "mt3", "--checkpoint", options.checkpoint, "--assembler", "mt3-reference",
               "--threads", str(options.threads), "-o", folder / "luthier.mid", "--notes", notes, "--force", *options.luthier_options]
    wall, memory, _ = run(command)
    result = json.loads(notes.read_text())
    return {"wall": wall, "memory": memory, "tokens": result["segments"], **{p: result["timing"][p] for p in PHASES}}


def pytorch(options, audio, folder):
    tokens = folder / "pytorch.json"
    wall, memory, text = run([options.python, options.baseline, options.checkpoint, audio, "--threads", str(options.threads),
                              "--repeat", "2", "--json", tokens])
    seconds = [float(s) for s in SECONDS.findall(text)[-1]]
    return {"wall": wall, "memory": memory, "tokens": json.loads(tokens.read_text())["segments"], **dict(zip(PHASES, seconds))}


def joined(files, minutes, target):
    """The files one after the other, again and again."""
    with wave.open(str(target), "wb") as output:
        frames = None
        while frames is None or frames > 0:
            for file in files:
                with wave.open(file) as source:
                    if frames is None:
                        output.setparams(source.getparams())
                        frames = int(minutes * 60 * source.getframerate())
                    data = source.readframes(min(frames, source.getnframes()))
                    output.writeframes(data)
                    frames -= len(data) // (source.getsampwidth() * source.getnchannels())
    return str(target)


def compare(options, audio, folder):
    sides = {"Luthier": luthier, "PyTorch": pytorch}
    results = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            results[name].append(side(options, audio, folder))
        ours, theirs = (results[name][-1]["tokens"] for name in sides)
        different = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a["tokens"] != b["tokens"]]
        if len(ours) != len(theirs) or different:
            sys.exit(f"{audio}: tokens of segments {different} differ, of {len(ours)} and {len(theirs)}; nothing is timed")
    medians = {name: {key: statistics.median(r[key] for r in rounds) for key in ("wall", "memory", *PHASES)} for name, rounds in results.items()}
    for name in sides:
        # The sum of each round, not of the medians.
        medians[name]["sum"] = statistics.median(sum(r[p] for p in PHASES) for r in results[name])
        medians[name]["memory"] = max(r["memory"] for r in results[name])
    return len(ours), medians


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", nargs="+", help="16 kHz mono WAV")
    parser.add_argument("--checkpoint", required=True, help="T5X folder")
    parser.add_argument("--baseline", required=True, help="the PyTorch script")
    parser.add_argument("--python", default=sys.executable, help="a Python that has what the script needs")
    parser.add_argument("--luthier", default=str(ROOT / "luthier"))
    parser.add_argument("--luthier-options", nargs="*", default=[], help="further options of transcribe, behind --", metavar="OPTION")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, help="also the files joined to one of this length")
    options = parser.parse_args()
    print("| file | segments | | front end s | encoder s | decoder s | sum s | from start to end s | peak MB |\n|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = list(options.audio)
        if options.minutes:
            files.append(joined(options.audio, options.minutes, folder / f"{options.minutes:g}-minutes.wav"))
        luthier(options, files[0], folder)  # builds what is missing
        for audio in files:
            segments, medians = compare(options, audio, folder)
            for side, m in medians.items():
                print(f"| {pathlib.Path(audio).name} | {segments} | {side} | " + " | ".join(f"{m[k]:.2f}" for k in (*PHASES, "sum", "wall"))
                      + f" | {m['memory']:.0f} |", flush=True)
            ours, theirs = medians["Luthier"], medians["PyTorch"]
            print(f"| | | ratio | | {ours['encoder'] / theirs['encoder']:.2f} | {ours['decoder'] / theirs['decoder']:.2f} "
                  f"| **{ours['sum'] / theirs['sum']:.2f}** | {ours['wall'] / theirs['wall']:.2f} | {ours['memory'] / theirs['memory']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
