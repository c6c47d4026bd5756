#!/usr/bin/env python3
"""Makes the same four tensors in every form but PyTorch's, with the libraries that define the forms.

Needs numpy, msgpack and safetensors. Tensors come from a seed.

    python make_files.py
"""
import gzip
import json
import os

import msgpack
import numpy as np
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def tensors():
    random = np.random.default_rng(20260101)
    return {
        "layer.kernel": random.standard_normal((3, 4)).astype(np.float32),
        "layer.bias": random.standard_normal(4).astype(np.float32),
        "embedding": random.standard_normal((5, 2)).astype(np.float32),
        "count": np.array([1, -2, 300], np.int32),
    }


def path(*names):
    name = os.path.join(HERE, *names)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    return name


def t5x(all_tensors):
    """As T5X saves: small arrays in the MessagePack file as flax packs them, the others in zarr folders."""
    def packed(array):
        return msgpack.ExtType(1, msgpack.packb((array.shape, array.dtype.name, array.tobytes()), use_bin_type=True))

    target = {}
    for name, array in all_tensors.items():
        value = packed(array)
        if array.ndim == 2:
            header = {
                "zarr_format": 2, "shape": list(array.shape), "chunks": list(array.shape), "dtype": array.dtype.str,
                "compressor": {"id": "gzip", "level": 1}, "fill_value": None, "order": "C", "filters": None,
                "dimension_separator": "."}
            with open(path("t5x", "target." + name, ".zarray"), "w") as f:
                json.dump(header, f)
            with open(path("t5x", "target." + name, "0.0"), "wb") as f:
                f.write(gzip.compress(array.tobytes(), 1, mtime=0))
            value = {
                "driver": "zarr", "dtype": array.dtype.name,
                "kvstore": {"driver": "file", "path": "target." + name + "/"},
                "metadata": {k: header[k] for k in ("shape", "chunks", "dtype", "compressor")},
                "transform": {"input_exclusive_max": [[n] for n in array.shape], "input_inclusive_min": [0, 0]}}
        node = target
        *parents, last = name.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    root = {"version": 3, "optimizer": {"target": target, "state": {"step": packed(np.array(7, np.int32))}}}
    with open(path("t5x", "checkpoint"), "wb") as f:
        f.write(msgpack.packb(root, use_bin_type=True))


def tfjs(all_tensors):
    weights, data = [], b""
    for name, array in all_tensors.items():
        weights.append({"name": name, "shape": list(array.shape), "dtype": array.dtype.name})
        data += array.tobytes()
    names = ["group1-shard1of2.bin", "group1-shard2of2.bin"]
    model = {"format": "graph-model", "modelTopology": {"node": []},
             "weightsManifest": [{"paths": names, "weights": weights}]}
    with open(path("tfjs", "model.json"), "w") as f:
        json.dump(model, f)
    for name, part in zip(names, (data[:50], data[50:])):
        with open(path("tfjs", name), "wb") as f:
            f.write(part)


def sharded(all_tensors):
    shards = {"model-00001-of-00002.safetensors": ["layer.kernel", "count"],
              "model-00002-of-00002.safetensors": ["layer.bias", "embedding"]}
    for shard, names in shards.items():
        save_file({name: all_tensors[name] for name in names}, path("sharded", shard), {"format": "np"})
    index = {"metadata": {"total_size": sum(array.nbytes for array in all_tensors.values())},
             "weight_map": {name: shard for shard, names in shards.items() for name in names}}
    with open(path("sharded", "model.safetensors.index.json"), "w") as f:
        json.dump(index, f, indent=2)


def main():
    all_tensors = tensors()
    save_file(all_tensors, path("whole.safetensors"))
    sharded(all_tensors)
    np.save(path("kernel.npy"), all_tensors["layer.kernel"])
    np.savez(path("stored.npz"), **all_tensors)
    np.savez_compressed(path("deflated.npz"), **all_tensors)
    t5x(all_tensors)
    tfjs(all_tensors)


if __name__ == "__main__":
    main()
