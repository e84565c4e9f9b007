#!/usr/bin/python3
"""A model's encoder as an ONNX file, for ONNX Runtime in ops/bench/network.

    write_onnx.py MODEL_FOLDER LAYERS.json FILE [--int8]

LAYERS.json is what `encoder_bench layers MODEL_FOLDER` prints. Input "photos" (N,3,S,S), output "features" (N,C,G,G), any N. Batch
norm is folded already, so this is what an exporter gives behind its own optimisation. --int8: QuantizeLinear and DequantizeLinear
around every convolution and sum, with the scales of the model's int8.safetensors: weights in eight bits with a scale for each
channel, maps unsigned (behind a ReLU from zero, else around 128: ONNX Runtime's convolutions take maps of one kind). What is
rounded is what photoscribe rounds, but for two places: a convolution in front of a sum is rounded before the sum, too, and so are
the features. Needs Debian's python3-onnx.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from model_files import read_safetensors  # noqa: E402

OPSET = 13  # the first that has a scale for each channel


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, kind, inputs, **attributes):
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name


class Floats:
    """Layers as they are."""

    def __init__(self, graph, photos):
        self.graph, self.photos = graph, photos

    def convolve(self, layer, x, weight, bias):
        g, name = self.graph, layer["name"]
        return g.add("Conv", [x, g.constant(name + ".weight", weight), g.constant(name + ".bias", bias)], **shape_of(layer))

    def sum(self, layer, x, shortcut):
        return self.graph.add("Add", [x, shortcut])

    def activate(self, layer, x):
        g, kind = self.graph, layer["activation"]
        if kind == "relu":
            return g.add("Relu", [x])
        if kind == "relu6":
            return g.add("Clip", [x, self.number("zero", 0), self.number("six", 6)])
        if kind == "sigmoid":
            return g.add("Sigmoid", [x])
        if kind == "silu":
            return g.add("Mul", [x, g.add("Sigmoid", [x])])
        return x

    def number(self, name, value):
        if not any(one.name == name for one in self.graph.constants):
            self.graph.constant(name, np.float32(value))
        return name


class Whole(Floats):
    """Layers between QuantizeLinear and DequantizeLinear. A map is known by the name of its DequantizeLinear's output."""

    def __init__(self, graph, photos, scale):
        super().__init__(graph, photos)
        self.scale_of = {}  # of maps
        self.photos = self.around(photos, scale, 128)

    def around(self, x, scale, zero):
        g, n = self.graph, len(self.graph.nodes)
        numbers = [g.constant(f"scale_{n}", np.float32(scale)), g.constant(f"zero_{n}", np.uint8(zero))]
        made = g.add("DequantizeLinear", [g.add("QuantizeLinear", [x, *numbers]), *numbers])
        self.scale_of[made] = np.float32(scale)
        return made

    def convolve(self, layer, x, weight, bias):
        g, name = self.graph, layer["name"]
        largest = np.abs(weight).reshape(len(weight), -1).max(1)
        scales = np.where(largest > 0, largest / np.float32(127), 1).astype(np.float32)
        narrow = np.clip(np.rint(weight / scales[:, None, None, None]), -127, 127).astype(np.int8)
        unit = self.scale_of[x] * scales
        w = g.add("DequantizeLinear", [g.constant(name + ".weight", narrow), g.constant(name + ".scale", scales),
                                       g.constant(name + ".zero", np.zeros(len(scales), np.int8))], axis=0)
        b = g.add("DequantizeLinear", [g.constant(name + ".bias", np.rint(bias / unit).astype(np.int32)),
                                       g.constant(name + ".unit", unit)], axis=0)
        made = g.add("Conv", [x, w, b], **shape_of(layer))
        if not layer["adds_residual"]:
            return self.end(layer, made)
        return self.around(made, layer["scale"] * (255 / 127 if layer["unsigned"] else 1), 128)

    def sum(self, layer, x, shortcut):
        return self.end(layer, super().sum(layer, x, shortcut))

    def activate(self, layer, x):
        return x  # the end of the numbers is the clamp

    def end(self, layer, x):
        return self.around(x, layer["scale"], 0 if layer["unsigned"] else 128)


def shape_of(layer):
    before, after = layer["before"], layer["after"]
    return {"kernel_shape": [layer["kernel"]] * 2, "strides": [layer["stride"]] * 2, "group": layer["groups"],
            "pads": [before, before, after, after]}


def build(description, weights, whole):
    graph = Graph()
    kind = Whole(graph, "photos", description["photos_scale"]) if whole else Floats(graph, "photos")
    lanes = {"main": kind.photos, "shortcut": None, "gate": None}
    for layer in description["layers"]:
        if layer["keeps_residual"]:
            lanes["shortcut"] = lanes["main"]
        lane = layer["lane"]
        if layer["kind"] == "convolution":
            name = "encoder." + layer["name"]
            x = kind.convolve(layer, lanes[lane], weights[name + ".weight"], weights[name + ".bias"])
            if layer["adds_residual"]:
                x = kind.sum(layer, x, lanes["shortcut"])
            lanes[lane] = kind.activate(layer, x)
        elif layer["kind"] == "max_pool":
            shape = shape_of(layer)
            del shape["group"]
            lanes["main"] = graph.add("MaxPool", [lanes["main"]], **shape)
        elif layer["kind"] == "mean":
            lanes["gate"] = graph.add("GlobalAveragePool", [lanes["main"]])
        else:
            lanes["main"] = graph.add("Mul", [lanes["main"], lanes["gate"]])
    graph.nodes[-1].output[0] = "features"
    side, grid = description["side"], description["grid"]
    made = helper.make_graph(
        graph.nodes, description["encoder"],
        [helper.make_tensor_value_info("photos", TensorProto.FLOAT, ["N", 3, side, side])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", description["channels"], grid, grid])],
        graph.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="ops/bench/network")


def main():
    folder, layers, path = [word for word in sys.argv[1:] if word != "--int8"]
    description = json.load(open(layers))
    whole = "--int8" in sys.argv
    if whole and not description["photos_scale"]:
        sys.exit(f"{folder} has no scales for int8 (photoscribe-train quantize makes them)")
    model = build(description, read_safetensors(os.path.join(folder, "weights.safetensors")), whole)
    onnx.checker.check_model(model)
    onnx.save(model, path)


if __name__ == "__main__":
    main()
