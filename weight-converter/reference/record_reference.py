#!/usr/bin/env python3
"""Records what goes on inside a PyTorch or flax model while it hears one input, and writes it as a luthier-reference/1 file.

Luthier's layer:diff compares its own run with such a file, layer by layer. docs/recording-a-reference.md shows how it is used,
docs/reference-format.md says what is in the file. Needs numpy, and the framework that the model is made of.

usage: record_reference.py SCRIPT.py -o REFERENCE.safetensors [options, and those of the script]

SCRIPT.py says what is recorded:

    def options(parser):                             may be left out: options of its own, as argparse has them
    def load(options, dtype):                        the model, with its numbers of this type: "float32", "float64", ...
    def run(options, model, dtype, recorder):        runs it once
"""
import argparse
import contextlib
import fnmatch
import importlib.util
import json
import os
import pathlib
import re
import struct
import sys
import warnings
import weakref

import numpy as np

FORMAT = "luthier-reference/1"
NAMES_FORMAT = "luthier-reference-adapter/1"
MASKED = -1e9
UNDERSTOOD = {"key", "name", "transpose", "merge", "insert", "steps"}
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1"}


class Problem(Exception):
    """What is told to the user in one line."""


def to_numpy(value):
    """A copy of a tensor of any framework, float32 or float64 or int32; None of what is no tensor of numbers."""
    torch = sys.modules.get("torch")
    jax = sys.modules.get("jax")
    if torch is not None and isinstance(value, torch.Tensor):
        if value.is_sparse or value.is_complex() or value.is_quantized:
            return None
        value = value.detach().cpu()
        value = (value.float() if value.dtype in (torch.bfloat16, torch.float16) else value).numpy()
    elif jax is not None and isinstance(value, jax.core.Tracer):
        raise Problem("the model runs under jit, scan or another transformation, where there are no numbers to record; run it without")
    elif not isinstance(value, (np.ndarray, np.generic)) and not (jax is not None and isinstance(value, jax.Array)):
        return None
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        if array.size and (array.max() > 2**31 - 1 or array.min() < -(2**31)):
            raise Problem(f"whole numbers of {array.dtype} that are no ids: {array.min()} to {array.max()}")
        return array.astype(np.int32)
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        return array.astype(np.float64 if array.dtype == np.float64 else np.float32)
    return None


def leaves(name, value):
    """The tensors of an input or output with their names: the first of a tuple has the name itself, the others their number or key."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(f"{name}.{key}", part)
    elif isinstance(value, (tuple, list)):
        for i, part in enumerate(value):
            yield from leaves(name if i == 0 else f"{name}.{i}", part)
    elif value is not None:
        yield name, value


class Recorder:
    """The tensors of one run by name, in order of execution."""

    def __init__(self, given=None):
        self.tensors = {}
        self.inputs = set()
        self._given = {} if given is None else given
        self._seen = {}
        self._quiet = False

    def tap(self, name, value):
        """Records a tensor that is no module's output; returns it, so that it can be written into an expression."""
        self._record(leaves(name, value))
        return value

    def same(self, name, make):
        """What make() returns, as a numpy array; the same in the second run, whatever that one's numbers. Nothing is recorded."""
        if name not in self._given:
            with self._silence():
                self._given[name] = to_numpy(np.asarray(make()))
        return self._given[name]

    def given(self, name, make):
        """The same, recorded under this name: for what a run is fed, samples, features, ids."""
        self.inputs.add(name)
        self.tensors[name] = self.same(name, make)
        return self.tensors[name]

    @contextlib.contextmanager
    def _silence(self):
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _record(self, named):
        if self._quiet:
            return
        for name, value in named:
            array = to_numpy(value)
            if array is None or self._known(value) or self._is_given(array):
                continue
            array = np.array(array)
            unique, times = name, 1
            while unique in self.tensors:
                times += 1
                unique = f"{name}#{times}"
            self.tensors[unique] = array

    def _known(self, value):
        """Whether this very tensor was recorded before: another module's output that goes in, or is passed on as it came."""
        version = getattr(value, "_version", 0)
        entry = self._seen.get(id(value))
        if entry is not None and entry[0]() is value and entry[1] == version:
            return True
        with contextlib.suppress(TypeError):
            self._seen[id(value)] = (weakref.ref(value), version)
        return False

    def _is_given(self, array):
        return any(array.shape == self.tensors[name].shape and np.array_equal(array, self.tensors[name]) for name in self.inputs)

    @contextlib.contextmanager
    def watching(self, model):
        """Records every module of a model while the block runs."""
        torch = sys.modules.get("torch")
        linen = sys.modules.get("flax.linen")
        if torch is not None and isinstance(model, torch.nn.Module):
            with torch.no_grad(), self._torch(model):
                yield
        elif linen is not None:
            with linen.intercept_methods(self._flax):
                yield
        else:
            yield

    @contextlib.contextmanager
    def _torch(self, root):
        hooks = []
        try:
            modules = [(name, module) for name, module in root.named_modules() if name] or [("model", root)]
            for name, module in modules:
                hooks.append(module.register_forward_pre_hook(self._torch_input(name), with_kwargs=True))
                hooks.append(module.register_forward_hook(self._torch_output(name)))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _torch_input(self, name):
        return lambda module, args, kwargs: self._record([*leaves(name + ".in", args), *leaves(name + ".in", kwargs)])

    def _torch_output(self, name):
        return lambda module, args, output: self._record(leaves(name, output))

    def _flax(self, call, args, kwargs, context):
        name = ".".join(context.module.path)
        if context.method_name != "__call__" or not name:
            return call(*args, **kwargs)
        self._record([*leaves(name + ".in", args), *leaves(name + ".in", kwargs)])
        output = call(*args, **kwargs)
        self._record(leaves(name, output))
        return output


class Reference:
    """Recorded tensors, and what is known of them: what a file holds."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.noise = {}
        self.slices = {}
        self.steps = []

    def measure_noise(self, tensors, inputs):
        """The largest difference of each tensor to another run, of several the largest; of masked scores, which nobody judges, nothing."""
        for name, array in self.tensors.items():
            if name in inputs or array.dtype.kind != "f" or name not in tensors:
                continue
            other = tensors[name]
            if other.shape != array.shape:
                raise Problem(f"{name} is {list(array.shape)} in the first run and {list(other.shape)} in the second: both have to do the same")
            difference = np.abs(array.astype(np.float64) - other)
            difference = difference[np.isfinite(difference) & (array > MASKED)]
            if difference.size:
                self.noise[name] = max(self.noise.get(name, 0), float(f"{difference.max():.7g}"))

    def renamed(self, names):
        """The tensors that a map names, under their canonical names and in canonical shapes; and the keys that it does not name."""
        rules = [(pattern(entry["key"]), place, entry) for place, entry in enumerate(names["tensors"])]
        chosen, unnamed = {}, []
        for key in self.tensors:
            for regex, place, entry in rules:
                found = regex.fullmatch(key)
                if found:
                    name = re.sub(r"\{(\d)}", lambda number: found[int(number[1])], entry.get("name") or key)
                    if name not in chosen or place < chosen[name][1]:
                        chosen[name] = key, place, entry
                    break
            else:
                unnamed.append(key)
        mapped = Reference({})
        order = list(self.tensors)
        for name, (key, place, entry) in sorted(chosen.items(), key=lambda item: order.index(item[1][0])):
            array = self.tensors[key]
            if "transpose" in entry:
                array = array.transpose(entry["transpose"])
            for axis in entry.get("merge", []):
                array = array.reshape(*array.shape[:axis], -1, *array.shape[axis + 2 :])
            for axis in entry.get("insert", []):
                array = np.expand_dims(array, axis)
            mapped.tensors[name] = array
            if key in self.noise:
                mapped.noise[name] = self.noise[key]
            if entry.get("steps"):
                mapped.steps.append(name)
        return mapped, unnamed

    def keep(self, glob, axis, count):
        """Keeps the first entries of a dimension of the tensors that a pattern chooses."""
        for name, array in self.tensors.items():
            if fnmatch.fnmatchcase(name, glob) and axis < array.ndim and count < array.shape[axis]:
                self.tensors[name] = array.take(range(count), axis)
                self.slices.setdefault(name, []).append({"axis": axis, "indices": list(range(count))})

    def metadata(self, **known):
        metadata = {"format": FORMAT, **{key: str(value) for key, value in known.items()}}
        lists = {"order": list(self.tensors), "slices": self.slices, "steps": self.steps, "noise": self.noise}
        return metadata | {key: json.dumps(value) for key, value in lists.items() if value}


def pattern(text):
    """A name with wildcards: * is any text without . and /, ** any text."""
    parts = re.split(r"(\*\*?)", text)
    return re.compile("".join({"*": r"([^./]*)", "**": "(.*)"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def read_names(path):
    """A name map: a JSON file as Luthier's reference adapters are."""
    try:
        names = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise Problem(f"{path}: {e}") from e
    if not isinstance(names, dict) or names.get("format") != NAMES_FORMAT:
        raise Problem(f"{path}: expected a name map of format {NAMES_FORMAT}")
    for entry in names["tensors"]:
        if not entry.keys() <= UNDERSTOOD:
            more = ", ".join(sorted(entry.keys() - UNDERSTOOD))
            raise Problem(f"{path}: only Luthier understands {more} of {entry['key']}; record without --names, and give it to layer:trace and layer:diff")
    return names


def write(path, tensors, metadata):
    """Writes a safetensors file, whole or not at all."""
    header, at = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        size = 4 * array.size
        header[name] = {"dtype": "I32" if array.dtype.kind == "i" else "F32", "shape": list(array.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    part = pathlib.Path(f"{path}.{os.getpid()}.part")
    try:
        with open(part, "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for array in tensors.values():
                out.write(np.ascontiguousarray(array, "<i4" if array.dtype.kind == "i" else "<f4").tobytes())
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise Problem(f"{path} cannot be written: {e.strerror}") from e
    return at


def read(path):
    """The tensors and the metadata of a safetensors file, a trace of Luthier's for example: its inputs can be given to another model."""
    try:
        data = pathlib.Path(path).read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
    except (OSError, ValueError, struct.error) as e:
        raise Problem(f"{path} is no safetensors file that can be read: {e}") from e
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + length + first : 8 + length + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def framework_of(model):
    for name, what in (("torch", "pytorch"), ("flax", "flax"), ("jax", "jax")):
        if any(base.__module__.split(".")[0] == name for base in type(model).__mro__):
            return what
    return next((what for name, what in (("torch", "pytorch"), ("flax", "flax")) if name in sys.modules), "numpy")


def once(script, options, dtype, given):
    """Loads and runs the model; returns what was recorded."""
    if options.seed is not None:
        np.random.seed(options.seed)
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(options.seed)
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", dtype == "float64")
    model = script.load(options, dtype)
    recorder = Recorder(given)
    with recorder.watching(model):
        script.run(options, model, dtype, recorder)
    if not recorder.tensors:
        raise Problem("nothing was recorded: run() has to call the model that load() returned")
    return recorder, framework_of(model)


def record(script, options):
    """Records what a script runs, as the options say."""
    given = {}
    recorder, framework = once(script, options, options.dtype, given)
    reference = Reference(recorder.tensors)
    if options.precise != "none":
        second, _ = once(script, options, options.precise, given)
        reference.measure_noise(second.tensors, recorder.inputs)
        if "torch" in sys.modules:
            # One difference is a throw of dice: the same numbers in another order of sums are a second one.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with sys.modules["torch"].backends.mkldnn.flags(enabled=False):
                    third, _ = once(script, options, options.dtype, given)
            reference.measure_noise(third.tensors, recorder.inputs)
    model, unnamed = options.model, []
    if options.names:
        names = read_names(options.names)
        reference, unnamed = reference.renamed(names)
        model = names["model"]
        if not reference.tensors:
            raise Problem(f"{options.names} names nothing of what was recorded: {', '.join(unnamed[:8])}, ...")
    for glob, axis, count in options.keep:
        reference.keep(glob, axis, count)
    if options.list:
        for name, array in reference.tensors.items():
            print(f"{name}  {list(array.shape)}" + (f"  noise {reference.noise[name]:.1e}" if name in reference.noise else ""))
    known = {"model": model, "framework": framework, "dtype": options.dtype, "seed": "none" if options.seed is None else options.seed}
    if options.segments:
        known["segments"] = json.dumps(options.segments)
    size = write(options.output, reference.tensors, reference.metadata(**known))
    print(f"{options.output}: {len(reference.tensors)} tensors, {size / 1e6:.1f} MB, of {framework} in {options.dtype}; "
          + ("noise not measured" if options.precise == "none" else f"noise of {len(reference.noise)} from {options.precise}"))
    if unnamed:
        print(f"left out, as the map does not name them: {', '.join(unnamed[:8])}" + (f" and {len(unnamed) - 8} more" if len(unnamed) > 8 else ""))


def kept(text):
    glob, axis, count = text.rsplit(":", 2)
    return glob, int(axis), int(count)


def numbers(text):
    return [int(number) for number in text.split(",")]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", help="what is recorded: a Python file with load() and run()")
    parser.add_argument("-o", "--output", required=True, help="file to write")
    parser.add_argument("--model", default="", help="model family in Luthier, for example mt3; not needed where a name map says it")
    parser.add_argument("--names", help="name map: write canonical names (default: the framework's own, which Luthier maps when it reads)")
    parser.add_argument("--dtype", default="float32", help="what the model computes in (default: %(default)s)")
    parser.add_argument("--precise", default="float64", metavar="DTYPE",
                        help="second run, whose difference is the noise floor: float64 (the default), bfloat16, ...; none for no second run")
    parser.add_argument("--segments", type=numbers, help="number of the segment in each row, for example 0 or 3,4")
    parser.add_argument("--seed", type=int, help="for what is random in the model or its input")
    parser.add_argument("--keep", type=kept, action="append", default=[], metavar="GLOB:AXIS:COUNT",
                        help="keep the first COUNT entries of a dimension of these tensors, so that the file stays small; may be repeated")
    parser.add_argument("--list", action="store_true", help="print every tensor with its shape")
    if arguments is None:
        arguments = sys.argv[1:]
    try:
        path = next((argument for argument in arguments if argument.endswith(".py")), None)
        script = load_script(path) if path else None
        if hasattr(script, "options"):
            script.options(parser)
        options = parser.parse_args(arguments)
        if script is None:
            parser.error("expected a script, a file with the suffix .py")
        record(script, options)
    except Problem as e:
        print(f"record_reference.py: {e}", file=sys.stderr)
        return 1
    return 0


def load_script(path):
    sys.modules.setdefault("record_reference", sys.modules[__name__])
    if not pathlib.Path(path).is_file():
        raise Problem(f"{path}: no such file")
    sys.path.insert(0, str(pathlib.Path(path).resolve().parent))
    spec = importlib.util.spec_from_file_location("recorded_script", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for needed in ("load", "run"):
        if not hasattr(script, needed):
            raise Problem(f"{path} has no {needed}(); the beginning of record_reference.py says what a script needs")
    return script


if __name__ == "__main__":
    sys.exit(main())
