#!/usr/bin/env python3
"""Makes the recordings beside it with record_reference.py: the tiny MT3 of random weights of the room model-mt3, run by the examples.

torch.safetensors: of PyTorch, under the names of its modules. flax.safetensors: of flax, under canonical names. Of later layers only the first
positions, to be small. With a folder also kunato.safetensors, PyTorch with position frequencies i/12 for i/11, which is a fault.
Needs numpy, and torch and flax: what is not installed is left out.   usage: make_recordings.py [FOLDER [FRAMEWORK]]
"""
import importlib.util
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = next(folder for folder in HERE.parents if (folder / "weight-converter").is_dir())
RECORDER = ROOT / "weight-converter" / "reference"
TINY = ROOT / "bundles/model-mt3/src/test/resources/org/luthier/model/mt3/tiny"
sys.path.insert(0, str(RECORDER))

import record_reference  # noqa: E402

# As in the common ports of MT3 to PyTorch: kernels are stored the other way round.
NAMES = [
    (r"encoder\.continuous_inputs_projection\.kernel", "proj.weight"),
    (r"decoder\.token_embedder\.embedding", "decoder_embed_tokens.weight"),
    (r"decoder\.logits_dense\.kernel", "lm_head.weight"),
    (r"(encoder|decoder)\.\1_norm\.scale", r"\1.final_layer_norm.weight"),
    (r"(encoder|decoder)\.layers_(\d)\.pre_(self_)?attention_layer_norm\.scale", r"\1.block.\2.layer.0.layer_norm.weight"),
    (r"decoder\.layers_(\d)\.pre_cross_attention_layer_norm\.scale", r"decoder.block.\1.layer.1.layer_norm.weight"),
    (r"encoder\.layers_(\d)\.pre_mlp_layer_norm\.scale", r"encoder.block.\1.layer.1.layer_norm.weight"),
    (r"decoder\.layers_(\d)\.pre_mlp_layer_norm\.scale", r"decoder.block.\1.layer.2.layer_norm.weight"),
    (r"(encoder|decoder)\.layers_(\d)\.(?:self_)?attention\.(.)\w+\.kernel", r"\1.block.\2.layer.0.SelfAttention.\3.weight"),
    (r"decoder\.layers_(\d)\.encoder_decoder_attention\.(.)\w+\.kernel", r"decoder.block.\1.layer.1.EncDecAttention.\2.weight"),
    (r"encoder\.layers_(\d)\.mlp\.(\w+)\.kernel", r"encoder.block.\1.layer.1.DenseReluDense.\2.weight"),
    (r"decoder\.layers_(\d)\.mlp\.(\w+)\.kernel", r"decoder.block.\1.layer.2.DenseReluDense.\2.weight"),
]


def torch_weights(path):
    weights = {}
    for name, array in record_reference.read(TINY / "tiny.safetensors")[0].items():
        renamed = next(re.sub(pattern, to, name) for pattern, to in NAMES if re.fullmatch(pattern, name))
        weights[renamed] = array.T if name.endswith(".kernel") else array
    record_reference.write(path, weights, {})


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    frameworks = sys.argv[2:] or ["torch", "flax"]
    with tempfile.TemporaryDirectory() as scratch:
        inputs, weights = pathlib.Path(scratch, "input.safetensors"), pathlib.Path(scratch, "weights.safetensors")
        golden = record_reference.read(TINY / "golden.safetensors")[0]
        record_reference.write(inputs, {name: golden[name][1:2] for name in ("frontend.logmel", "decoder.input_ids", "decoder.tokens")}, {})
        torch_weights(weights)

        def record(framework, name, weights, *options):
            if not importlib.util.find_spec(framework):
                print(f"{name}: left out, there is no {framework}")
            if not importlib.util.find_spec(framework) or framework not in frameworks:
                return
            script = RECORDER / "examples" / f"mt3_{framework}.py"
            failed = record_reference.main([str(script), "--weights", str(weights), "--input", str(inputs), "--heads", "2", "--segments", "1",
                                            "-o", str(folder / name), *options])
            if failed:
                sys.exit(failed)

        record("torch", "torch.safetensors", weights, "--keep", "encoder.block*:1:4", "--keep", "decoder.block*:1:2")
        names = ROOT / "bundles/model-mt3/src/main/resources/org/luthier/model/mt3/reference-adapter.flax.json"
        record("flax", "flax.safetensors", TINY / "tiny.safetensors", "--names", str(names), "--keep", "encoder.layer*:1:4", "--keep",
               "decoder.layer*:1:4")
        if folder != HERE:
            record("torch", "kunato.safetensors", weights, "--frequencies", "12")


if __name__ == "__main__":
    main()
