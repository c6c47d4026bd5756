#!/usr/bin/env python3
"""Makes the PyTorch files of this folder, and expected.safetensors with what torch reads from them.

Needs torch and numpy. Tensors come from a seed; ids in the files may change with the versions of torch.

    python make_files.py
"""
import json
import os
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def state_dict():
    torch.manual_seed(20260101)
    base = torch.randn(4, 6)
    state = OrderedDict()
    state["f32"] = torch.randn(2, 3)
    state["f64"] = torch.randn(3, dtype=torch.float64)
    state["f16"] = torch.randn(5).to(torch.float16)
    state["bf16"] = torch.randn(5).to(torch.bfloat16)
    state["i64"] = torch.tensor([1, -2, 2**40])
    state["i32"] = torch.tensor([[7, -8]], dtype=torch.int32)
    state["i16"] = torch.tensor([300, -300], dtype=torch.int16)
    state["i8"] = torch.tensor([-5, 5], dtype=torch.int8)
    state["u8"] = torch.tensor([200, 5], dtype=torch.uint8)
    state["bool"] = torch.tensor([True, False, True])
    state["scalar"] = torch.tensor(2.5)
    state["count"] = torch.tensor(11)
    state["empty"] = torch.zeros(0, 3)
    state["base"] = base
    state["base.alias"] = base
    state["base.transposed"] = base.t()
    state["base.rows"] = base[1:3]
    state["base.columns"] = base[:, 1:5:2]
    state["base.last"] = base[3, 5]
    state["window"] = torch.hann_window(9, periodic=False)[:8]
    state["half.transposed"] = torch.randn(3, 2).to(torch.float16).t()
    state["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
    return state


def contiguous(tensor):
    return tensor.detach().contiguous()


def raw(tensor):
    return contiguous(tensor).reshape(-1).view(torch.uint8).numpy().tobytes()


def safetensors(path, tensors):
    names = {
        torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
        torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        piece = raw(tensor)
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def big_endian(source, target, width):
    """The same tensors as a machine of the other byte order would have saved them."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if "/data/" in entry.filename:
                data = np.frombuffer(data, "<u%d" % width).byteswap().tobytes()
            if entry.filename.endswith("/byteorder"):
                data = b"big"
            new.writestr(zipfile.ZipInfo(entry.filename), data)


def module(name, *classes):
    parts = name.split(".")
    for i in range(len(parts)):
        part = ".".join(parts[:i + 1])
        sys.modules.setdefault(part, types.ModuleType(part))
    for each in classes:
        setattr(sys.modules[name], each, type(each, (), {"__module__": name}))
    return sys.modules[name]


def lightning(state):
    manager = module("utils.task_manager", "TaskManager").TaskManager()
    manager.task_name = "mc13_256"
    manager.ids = np.arange(5)
    manager.codec = {np.int64(3): "x"}
    return {
        "epoch": 3,
        "global_step": 1234,
        "pytorch-lightning_version": "2.2.1",
        "state_dict": state,
        "loops": {"fit_loop": {"ready": 3}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2, 3)}},
                              "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": [0]}]}],
        "hyper_parameters": {"task_manager": manager, "model_cfg": {"d_model": 48, "types": ["t5", "conformer"]},
                             "base_lr": None},
    }


class Model(torch.nn.Linear):
    """A module that is saved whole; nothing can be read of it without its class."""


def main():
    def path(name):
        return os.path.join(HERE, name)

    state = state_dict()
    safetensors(path("expected.safetensors"), state)
    torch.save(state, path("zip.pth"))
    torch.save(state, path("protocol4.pth"), pickle_protocol=4)
    torch.save(state, path("legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save(lightning(state), path("lightning.ckpt"))
    torch.save(lightning(state), path("lightning-legacy.ckpt"), _use_new_zipfile_serialization=False)
    torch.save({"model": {"f32": state["f32"]}, "layers": [state["i8"], state["u8"]], "note": "nested", 7: state["i16"]},
               path("nested.pth"))
    torch.save(state["f32"], path("tensor.pth"))
    floats = OrderedDict((name, state[name]) for name in ("f32", "base", "base.transposed", "base.columns", "scalar"))
    torch.save(floats, path("floats.pth"))
    big_endian(path("floats.pth"), path("big-endian.pth"), 4)
    os.remove(path("floats.pth"))
    Model.__module__ = "models"
    module("models").Model = Model
    torch.save(Model(2, 2), path("module.pth"))
    torch.save(torch.zeros(2, dtype=torch.complex64), path("complex.pth"))
    torch.save(torch.eye(2).to_sparse(), path("sparse.pth"))
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), path("script.pt"))


if __name__ == "__main__":
    main()
