"""Builds Basic Pitch as an ONNX graph from a folder of weights, the way the published ONNX model computes it.

Audio [1, 43844] in; contour [1, 172, 264], note and onset [1, 172, 88] out. The constant-Q transform is strided Conv nodes, as in the original, and the
network is six Conv nodes in NCHW, the layout onnxruntime is fastest with.
"""

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def kernels():
    """The 36 complex kernels of the top octave, [36, 256] each for real and imaginary part."""
    q = 1 / (2 ** (1 / 36) - 1)
    re, im = np.zeros((36, 256)), np.zeros((36, 256))
    for k in range(36):
        f = 27.5 * 2 ** ((273 + k) / 36)
        length = math.ceil(q * 22050 / f)
        first = 128 - math.ceil(length / 2)
        i = np.arange(first, first + length)
        h = (2 / length) * (0.5 - 0.5 * np.cos(2 * np.pi * (i - first) / length))
        re[k, i] = h * np.cos(2 * np.pi * f * (i - 128) / 22050)
        im[k, i] = h * np.sin(2 * np.pi * f * (i - 128) / 22050)
    return re.astype(np.float32), im.astype(np.float32)


def lowpass():
    """The 256-tap halving filter."""
    n = np.arange(256)
    m = n - 127.5
    h = 1 + 2 * 0.5002498750624775 * np.cos(2 * np.pi * 128 * m / 512)
    for j in range(1, 128):
        h = h + 2 * np.cos(2 * np.pi * j * m / 512)
    return (h / 512 * (0.54 - 0.46 * np.cos(2 * np.pi * n / 255))).astype(np.float32)


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array):
        self.count += 1
        name = f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, op, *inputs, output=None, **attributes):
        self.count += 1
        output = output or f"{op.lower()}_{self.count}"
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, names, [output], **attributes))
        return output

    def conv(self, x, weight, bias, pad_time, pad_frequency, stride=1):
        """A convolution with weights [time, frequency, in, out]."""
        return self.add("Conv", x, weight.transpose(3, 2, 0, 1), bias, strides=[1, stride],
                        pads=[pad_time, pad_frequency, pad_time, pad_frequency])


def build(w):
    """w: the learned weights by canonical name."""
    g = Graph()
    int64 = lambda *v: np.array(v, np.int64)
    re, im = kernels()
    low = lowpass()[None, None, :]
    signal = g.add("Reshape", "audio", int64(1, 1, 43844))
    octaves = []
    for octave in range(9):
        hop = 256 >> octave
        padded = g.add("Pad", signal, int64(0, 0, 128, 0, 0, 128), mode="reflect")
        bins = slice(15, 36) if octave == 8 else slice(0, 36)
        parts = [g.add("Conv", padded, part[bins, None, :], strides=[hop]) for part in (re, im)]
        squares = [g.add("Mul", p, p) for p in parts]
        octaves.append(g.add("Add", *squares))
        if octave < 8:
            signal = g.add("Conv", signal, low, strides=[2], pads=[127, 127])
    power = g.add("Concat", *reversed(octaves), axis=1)  # [1, 309, 172]
    q = 1 / (2 ** (1 / 36) - 1)
    lengths = np.ceil(q * 22050 / (27.5 * 2 ** (np.arange(309) / 36))).astype(np.float32)
    power = g.add("Mul", power, lengths[None, :, None])
    magnitude = g.add("Sqrt", power)
    power = g.add("Transpose", g.add("Mul", magnitude, magnitude), perm=[0, 2, 1])  # [1, 172, 309]
    log = g.add("Mul", g.add("Log", g.add("Add", power, np.float32(1e-10))), np.float32(10 / math.log(10)))
    low_log = g.add("ReduceMin", log, int64(1, 2))
    above = g.add("Sub", log, low_log)
    scaled = g.add("Div", above, g.add("Max", g.add("ReduceMax", above, int64(1, 2)), np.float32(1e-30)))
    y = g.add("Add", g.add("Mul", scaled, w["batch_norm.scale"]), w["batch_norm.offset"])
    y = g.add("Unsqueeze", y, int64(1))  # [1, 1, 172, 309]
    channels = []
    for shift in (-36, 0, 36, 57, 72, 84, 93, 101):
        first, last = max(0, shift), min(309, 264 + shift)
        part = g.add("Slice", y, int64(first), int64(last), int64(3))
        front = first - shift
        channels.append(g.add("Pad", part, int64(0, 0, 0, front, 0, 0, 0, 264 - front - (last - first))))
    stack = g.add("Concat", *channels, axis=1)  # [1, 8, 172, 264]
    conv = lambda x, name, *pads: g.conv(x, w[name + ".weight"], w[name + ".bias"], *pads)
    contour = g.add("Sigmoid", conv(g.add("Relu", conv(stack, "contour1", 1, 19)), "contour2", 2, 2))
    note = g.add("Sigmoid", conv(g.add("Relu", conv(contour, "note1", 3, 2, 3)), "note2", 3, 1))
    onset1 = g.add("Relu", conv(stack, "onset1", 2, 1, 3))
    onset = g.add("Sigmoid", conv(g.add("Concat", note, onset1, axis=1), "onset2", 1, 1))
    for name, x in (("contour", contour), ("note", note), ("onset", onset)):
        g.add("Squeeze", x, int64(1), output=name)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        g.nodes, "basic-pitch", [value("audio", TensorProto.FLOAT, [1, 43844])],
        [value(n, TensorProto.FLOAT, [1, 172, b]) for n, b in (("contour", 264), ("note", 88), ("onset", 88))],
        g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
