#!/usr/bin/env python3
"""Writes features.safetensors: what torchvision's trunks make of a made picture with made weights.

usage: make_features.py    (needs Debian's python3-torch and python3-torchvision; two minutes)

Weights and picture come from a formula of integers that tests/models/encoder/encoder_parity_test.cpp has, too, so that no
weights lie here: number i of the array NAME is bits 40 to 63 of splitmix64(fnv1a64(NAME) + i), over 2**24, as a uniform
number u in [0, 1). Of that, in double precision and then rounded to float32:
- a convolution's weight: (2 u - 1) sqrt(GAIN / values per output channel); 6 would be He et al. 2015's variance;
- its bias: (2 u - 1) / 10;
- a batch norm's weight and running_var: 1/2 + u; bias and running_mean: (2 u - 1) / 10;
- the picture ("picture", 1 x 3 x 64 x 64): 4 u - 2.
A name or a shape that differs gives other weights. Features are computed in double precision. Of each trunk's three
arrays are kept: "TRUNK every 9th" of its features in row-major order, "TRUNK sum of squares" of all of them, per grid
position, and "TRUNK gain". The gains are such that another picture gives other features, and that rounding to float32
does not: deep EfficientNets go from deaf to chaotic between 4 and 6. The script fails where either is not so.
"""
import json
import pathlib
import struct
import sys

import numpy as np
import torch
import torchvision

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "encoder"))
from torchvision_reference import model_of, pad_as_tensorflow, stride_as_caffe, trunk_of  # noqa: E402

TRUNKS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
          "caffe_resnet50", "caffe_resnet101", "caffe_resnet152", "vgg16", "vgg19", "mobilenet_v2",
          *(tf + "efficientnet_b%d" % n for tf in ("", "tf_") for n in range(5)),
          "tf_efficientnetv2_b0", "tf_efficientnet_b4@features.7.0", "tf_efficientnet_b4@features.7.0+features.8"]


def gain_of(trunk):
    if trunk.endswith(("efficientnet_b0", "efficientnet_b1", "efficientnet_b2")):
        return 6.0
    if trunk == "tf_efficientnetv2_b0":
        return 4.5
    return 5.25 if "efficientnet" in trunk else 5.0


def uniform(name, shape):
    name_hash = 0xCBF29CE484222325
    for byte in name.encode():
        name_hash = (name_hash ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(name_hash) + np.arange(np.prod(shape, dtype=np.int64), dtype=np.uint64)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64).reshape(shape) / 2**24


def fill(model, gain):
    for name, array in model.state_dict().items():
        if name.startswith(("fc.", "classifier.")) or not array.dtype.is_floating_point:
            continue
        u = uniform(name, tuple(array.shape))
        if array.dim() == 4:
            values = (2 * u - 1) * np.sqrt(gain / array[0].numel())
        elif name.endswith(".running_var") or name.endswith(".weight"):
            values = 0.5 + u
        else:
            values = (2 * u - 1) / 10
        array.copy_(torch.from_numpy(values.astype(np.float32)))


def picture(name):
    return torch.from_numpy((4 * uniform(name, (1, 3, 64, 64)) - 2).astype(np.float32))


def features(trunk):
    """(C, 2, 2), in double precision."""
    name, _, last = trunk.partition("@")
    model = model_of(name).eval()
    fill(model, gain_of(trunk))
    if name.startswith("tf_"):
        pad_as_tensorflow(model)
    if name.startswith("caffe_"):
        stride_as_caffe(model)
    rounded = trunk_of(model, name, last)(picture("picture"))[0].numpy()
    part = trunk_of(model.double(), name, last)
    made, other = (part(picture(one).double())[0].numpy() for one in ("picture", "another picture"))
    largest = abs(made).max()
    by_rounding, by_picture = abs(rounded - made).max() / largest, abs(other - made).max() / largest
    print("%s: %s, up to %.3g; apart by rounding %.2g, by the picture %.2g" % (trunk, made.shape, largest, by_rounding, by_picture))
    assert by_rounding < 1e-5 and by_picture > 0.05, trunk
    return made


def write_safetensors(path, arrays, metadata):
    header, at = {"__metadata__": metadata}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values()))


def main():
    torch.set_num_threads(1)
    arrays = {}
    with torch.no_grad():
        for trunk in TRUNKS:
            made = features(trunk)
            arrays[trunk + " every 9th"] = made.reshape(-1)[::9].astype(np.float32)
            arrays[trunk + " sum of squares"] = np.square(made).sum(axis=0).astype(np.float32)
            arrays[trunk + " gain"] = np.array([gain_of(trunk)], np.float32)
    write_safetensors(HERE / "features.safetensors", arrays,
                      {"made by": "make_features.py, torch %s, torchvision %s" % (torch.__version__, torchvision.__version__)})


if __name__ == "__main__":
    main()
