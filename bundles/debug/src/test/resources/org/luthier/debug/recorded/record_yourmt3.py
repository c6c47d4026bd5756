#!/usr/bin/env python3
"""Records a small YourMT3+ in PyTorch, its checkpoint and its input being those of a folder with model.ckpt and golden.safetensors.

Needs numpy and torch. The rest of the command goes to record_reference.py.   usage: record_yourmt3.py FOLDER -o REFERENCE [OPTIONS]
"""
import collections
import pathlib
import pickle
import sys
import tempfile

import torch

HERE = pathlib.Path(__file__).resolve().parent
RECORDER = next(folder for folder in HERE.parents if (folder / "weight-converter").is_dir()) / "weight-converter" / "reference"
sys.path.insert(0, str(RECORDER))

import record_reference  # noqa: E402

REBUILT = {("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2, ("collections", "OrderedDict"): collections.OrderedDict}


class Inert:
    """What a checkpoint holds of the program that wrote it, and is not run."""

    def __new__(cls, *arguments):
        return super().__new__(cls)

    def __init__(self, *arguments):
        pass

    def __setstate__(self, state):
        pass

    def __hash__(self):
        return id(self)


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if module == "torch" and name.endswith("Storage"):
            return super().find_class(module, name)
        return REBUILT.get((module, name), Inert)


class Pickle:
    """In place of the module pickle."""

    Unpickler = Unpickler
    load = staticmethod(lambda file, **options: Unpickler(file, **options).load())


def main():
    folder, *options = sys.argv[1:]
    stored = torch.load(pathlib.Path(folder, "model.ckpt"), map_location="cpu", pickle_module=Pickle, weights_only=False)
    golden, _ = record_reference.read(pathlib.Path(folder, "golden.safetensors"))
    samples = golden["00.audio"].reshape(-1, golden["00.audio"].shape[-1])
    with tempfile.TemporaryDirectory() as scratch:
        weights, given = pathlib.Path(scratch, "weights.pth"), pathlib.Path(scratch, "given.safetensors")
        arguments = {key: stored["hyper_parameters"][key] for key in ("audio_cfg", "model_cfg")}
        torch.save({"state_dict": dict(stored["state_dict"]), "hyper_parameters": arguments}, weights)
        record_reference.write(given, {"frontend.in": samples}, {})
        script = RECORDER / "examples" / "yourmt3_torch.py"
        segments = ",".join(map(str, range(len(samples))))
        return record_reference.main([str(script), "--weights", str(weights), "--input", str(given), "--segments", segments, *options])


if __name__ == "__main__":
    sys.exit(main())
