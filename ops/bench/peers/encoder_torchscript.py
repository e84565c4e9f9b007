#!/usr/bin/python3
"""TorchScript's part of ops/bench/network: an encoder alone through freeze + optimize_for_inference, on the photos of ours.

    encoder_torchscript.py MODEL_FOLDER LAYERS.json PHOTOS THREADS FEATURES

LAYERS.json, PHOTOS, FEATURES and standard input are as of onnxruntime_encoder.mjs. A traced graph is for one size of batch, so
each has its own. Needs Debian's python3-torch.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from model_files import read_safetensors  # noqa: E402

ACTIVATIONS = {"none": lambda x: x, "relu": F.relu, "relu6": F.relu6, "silu": F.silu, "sigmoid": torch.sigmoid}


class Encoder(nn.Module):
    def __init__(self, layers, weights):
        super().__init__()
        self.layers = layers
        self.convolutions = nn.ModuleDict()
        for layer in layers:
            if layer["kind"] != "convolution":
                continue
            made = nn.Conv2d(layer["in"], layer["out"], layer["kernel"], layer["stride"], groups=layer["groups"],
                             padding=layer["before"] if layer["before"] == layer["after"] else 0)
            name = "encoder." + layer["name"]
            made.load_state_dict({end: torch.from_numpy(weights[f"{name}.{end}"]) for end in ("weight", "bias")})
            self.convolutions[layer["name"].replace(".", "_")] = made

    def forward(self, main):
        lanes = {"main": main}
        for layer in self.layers:
            if layer["keeps_residual"]:
                lanes["shortcut"] = lanes["main"]
            before, after = layer["before"], layer["after"]
            if layer["kind"] == "convolution":
                x = lanes[layer["lane"]]
                if before != after:
                    x = F.pad(x, (before, after, before, after))
                x = self.convolutions[layer["name"].replace(".", "_")](x)
                if layer["adds_residual"]:
                    x = x + lanes["shortcut"]
                lanes[layer["lane"]] = ACTIVATIONS[layer["activation"]](x)
            elif layer["kind"] == "max_pool":
                lanes["main"] = F.max_pool2d(F.pad(lanes["main"], (before, after, before, after)), layer["kernel"], layer["stride"])
            elif layer["kind"] == "mean":
                lanes["gate"] = lanes["main"].mean((2, 3), keepdim=True)
            else:
                lanes["main"] = lanes["main"] * lanes["gate"]
        return lanes["main"]


def main():
    folder, layers, photos_file, threads, features_file = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    description = json.load(open(layers))
    side = description["side"]
    encoder = Encoder(description["layers"], read_safetensors(os.path.join(folder, "weights.safetensors"))).eval()
    photos = torch.from_numpy(np.fromfile(photos_file, np.float32).reshape(-1, side, side, 3))
    photos = photos.permute(0, 3, 1, 2).contiguous()
    graphs = {}

    def graph_for(batch):
        if batch not in graphs:
            made = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(encoder, photos[:batch])))
            for _ in range(3):
                made(photos[:batch])
            graphs[batch] = made
        return graphs[batch]

    features = torch.cat([graph_for(1)(photos[i:i + 1]) for i in range(len(photos))])
    features.contiguous().numpy().tofile(features_file)
    print(json.dumps({"backend": f"TorchScript {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        batch, seconds = int(line.split()[0]), float(line.split()[1])
        graph = graph_for(batch)
        done, cpu, begin = 0, time.process_time(), time.perf_counter()
        while done == 0 or time.perf_counter() - begin < seconds:
            first = done % (len(photos) - batch + 1)
            graph(photos[first:first + batch])
            done += batch
        print(json.dumps({"photos": done, "wall_s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
