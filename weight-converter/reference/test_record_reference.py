"""Tests of record_reference.py: python3 -m unittest. What needs a framework that is not installed is skipped."""
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import tempfile
import unittest

import numpy as np

import record_reference
from record_reference import Problem, Recorder, Reference


def needs(framework):
    return unittest.skipUnless(importlib.util.find_spec(framework), f"{framework} is not installed")


class Format(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_a_file_comes_back(self):
        tensors = {"zeta": np.arange(6, dtype=np.float64).reshape(1, 2, 3), "ids": np.array([[0, 7]], dtype=np.int32)}
        reference = Reference(tensors)
        reference.noise["zeta"] = 1e-7
        file = self.folder / "r.safetensors"
        record_reference.write(file, reference.tensors, reference.metadata(model="tiny", framework="numpy"))
        read, metadata = record_reference.read(file)
        self.assertEqual(["zeta", "ids"], list(read))
        self.assertEqual((np.float32, np.int32), (read["zeta"].dtype, read["ids"].dtype))
        np.testing.assert_array_equal(tensors["zeta"], read["zeta"])
        np.testing.assert_array_equal(tensors["ids"], read["ids"])
        self.assertEqual({"format": "luthier-reference/1", "model": "tiny", "framework": "numpy", "order": '["zeta", "ids"]',
                          "noise": '{"zeta": 1e-07}'}, metadata)
        self.assertEqual(0, int.from_bytes(file.read_bytes()[:8], "little") % 8)
        self.assertEqual(["r.safetensors"], os.listdir(self.folder))

    def test_a_file_that_cannot_be_written(self):
        with self.assertRaisesRegex(Problem, "cannot be written"):
            record_reference.write(self.folder / "none" / "r", {}, {})

    def test_parts_are_kept(self):
        reference = Reference({"a.x": np.arange(24.0).reshape(1, 6, 4), "b": np.ones((1, 6))})
        reference.keep("a.*", 1, 2)
        reference.keep("*", 1, 99)
        self.assertEqual((1, 2, 4), reference.tensors["a.x"].shape)
        self.assertEqual({"a.x": [{"axis": 1, "indices": [0, 1]}]}, json.loads(reference.metadata()["slices"]))

    def test_noise(self):
        reference = Reference({"x": np.array([1.0, -1e10, np.nan], np.float32), "fed": np.ones(2, np.float32), "id": np.array([3])})
        reference.measure_noise({"x": np.array([1.25, 5, 5]), "fed": np.zeros(2), "id": np.array([4])}, {"fed"})
        self.assertEqual({"x": 0.25}, reference.noise)
        with self.assertRaisesRegex(Problem, r"x is \[3\] in the first run and \[2\] in the second"):
            reference.measure_noise({"x": np.ones(2)}, set())

    def test_names(self):
        reference = Reference({"block.1.q": np.zeros((1, 5, 2, 3)), "block.1": np.ones((5, 6)), "block.1.out": np.full((5, 6), 2.0), "more": np.ones(1)})
        reference.noise["block.1.q"] = 0.5
        entries = [{"key": "block.*.out", "name": "layer{1}.out", "insert": [0]}, {"key": "block.*", "name": "layer{1}.out", "insert": [0]},
                   {"key": "block.*.q", "name": "layer{1}.q", "merge": [2], "steps": True}]
        mapped, unnamed = reference.renamed({"tensors": entries})
        self.assertEqual(["layer1.q", "layer1.out"], list(mapped.tensors))
        self.assertEqual([(1, 5, 6), (1, 5, 6)], [array.shape for array in mapped.tensors.values()])
        self.assertEqual(2.0, mapped.tensors["layer1.out"][0, 0, 0])
        self.assertEqual(({"layer1.q": 0.5}, ["layer1.q"], ["more"]), (mapped.noise, mapped.steps, unnamed))
        (self.folder / "names").write_text('{"format": "other"}')
        with self.assertRaisesRegex(Problem, "expected a name map of format luthier-reference-adapter/1"):
            record_reference.read_names(self.folder / "names")
        (self.folder / "names").write_text('{"format": "luthier-reference-adapter/1", "tensors": [{"key": "a.*", "split": "b", "beside": "c"}]}')
        with self.assertRaisesRegex(Problem, r"only Luthier understands beside, split of a\.\*; record without --names"):
            record_reference.read_names(self.folder / "names")

    def run_main(self, script, *options):
        (self.folder / "script.py").write_text(script)
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = record_reference.main([str(self.folder / "script.py"), "-o", str(self.folder / "out"), *options])
        return status, output.getvalue(), errors.getvalue()

    def test_a_script_without_a_framework(self):
        script = """
import numpy as np
def options(parser): parser.add_argument("--factor", type=float)
def load(options, dtype): return np.full(3, 1 / 3, dtype)
def run(options, model, dtype, recorder):
    x = recorder.given("in", lambda: np.random.rand(1, 3))
    recorder.tap("out", (x * model * options.factor).astype(dtype))
"""
        status, output, errors = self.run_main(script, "--factor", "3", "--seed", "7", "--segments", "2", "--model", "tiny", "--list")
        self.assertEqual((0, ""), (status, errors))
        self.assertIn("out  [1, 3]  noise", output)
        tensors, metadata = record_reference.read(self.folder / "out")
        self.assertEqual(("tiny", "7", "[2]", "float32"), tuple(metadata[key] for key in ("model", "seed", "segments", "dtype")))
        self.assertEqual(["out"], list(json.loads(metadata["noise"])))
        np.testing.assert_allclose(tensors["in"], tensors["out"], rtol=1e-6)  # single precision has 6e-8

    def test_a_script_that_does_not_fit(self):
        self.assertIn("has no run()", self.run_main("def load(options, dtype): pass")[2])
        nothing = "def load(options, dtype): pass\ndef run(options, model, dtype, recorder): pass"
        self.assertEqual(1, self.run_main(nothing)[0])
        self.assertIn("nothing was recorded", self.run_main(nothing)[2])
        (self.folder / "script.py").unlink()
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(1, record_reference.main([str(self.folder / "script.py"), "-o", "out"]))
        self.assertIn("script.py: no such file", errors.getvalue())


class Torch(unittest.TestCase):
    @needs("torch")
    def test_modules_in_order_of_execution(self):
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.late = nn.Linear(3, 2)
                self.first = nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.ReLU(inplace=True))
                self.table = nn.Embedding(5, 2)

            def forward(self, x, *, ids):
                y = self.first(x)
                return self.late(y + 1) + self.table(ids) + self.late(y + 1)

        net, recorder = Net().eval(), Recorder()
        with recorder.watching(net):
            ids = torch.tensor(recorder.given("ids", lambda: np.array([1])))
            net(torch.ones(1, 4), ids=ids)
        self.assertEqual(["ids", "first.in", "first.0", "first.2", "late.in", "late", "table", "late.in#2", "late#2"], list(recorder.tensors))
        self.assertEqual(0, len(net.late._forward_hooks) + len(net.late._forward_pre_hooks))
        # A copy: what is changed in place afterwards does not change what was recorded.
        expected = net.first[0](torch.ones(1, 4)).detach().numpy()
        np.testing.assert_array_equal(expected, recorder.tensors["first.0"])
        np.testing.assert_array_equal(np.maximum(expected, 0), recorder.tensors["first.2"])

    @needs("torch")
    def test_tuples_keywords_half_precision_and_what_is_no_tensor(self):
        import torch
        from torch import nn

        class Pair(nn.Module):
            def forward(self, x, *, mask):
                return x.bfloat16() + mask, {"cache": x + 2, "none": None, "flag": True}, [x + 3]

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.pair = Pair()

            def forward(self, x):
                return self.pair(x, mask=x * 2)

        recorder = Recorder()
        with recorder.watching(Net()):
            Net.forward(net := Net(), torch.ones(1))
        self.assertEqual({}, recorder.tensors)  # another one's modules
        with recorder.watching(net):
            net(torch.ones(1))
        self.assertEqual(["pair.in", "pair.in.mask", "pair", "pair.1.cache", "pair.2"], list(recorder.tensors))
        self.assertEqual(np.float32, recorder.tensors["pair"].dtype)

    @needs("torch")
    def test_given_is_the_same_twice_and_silent(self):
        import torch
        from torch import nn

        net, given = nn.Linear(2, 2), {}
        for run in range(2):
            recorder = Recorder(given)
            with recorder.watching(net):
                made = recorder.given("x", lambda: net(torch.full((1, 2), float(run))).numpy())
                net(torch.from_numpy(made))
            self.assertEqual(["x", "model"], list(recorder.tensors))
            given.setdefault("before", made)
            np.testing.assert_array_equal(given["before"], made)


class Flax(unittest.TestCase):
    @needs("flax")
    def test_modules_by_their_paths(self):
        import jax
        import jax.numpy as jnp
        from flax import linen as nn

        class Layer(nn.Module):
            @nn.compact
            def __call__(self, x):
                return nn.Dropout(0.5, deterministic=True)(nn.Dense(3, name="wi")(x) + 1)

        class Net(nn.Module):
            @nn.compact
            def __call__(self, x):
                return nn.Dense(2, name="out")(Layer(name="layers_0")(x))

        x = jnp.ones((1, 4))
        parameters = Net().init(jax.random.PRNGKey(0), x)
        recorder = Recorder()
        with recorder.watching(Net()):
            Net().apply(parameters, x)
        self.assertEqual(["layers_0.in", "layers_0.wi", "layers_0.Dropout_0.in", "out"], list(recorder.tensors))
        with self.assertRaisesRegex(Problem, "runs under jit"), recorder.watching(Net()):
            jax.jit(Net().apply)(parameters, x)


if __name__ == "__main__":
    unittest.main()
