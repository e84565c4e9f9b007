#!/usr/bin/python3
"""The encoder alone through TorchScript's freeze + optimize_for_inference: the bar for ours.

usage: encoder_torchscript.py MODEL [--batch N] [--seconds S] [--threads N]
Prints photos per second and CPU milliseconds a photo on noise of the model's input size. A development check for
ops/bench/network; needs Debian's python3-torch, python3-opencv and python3-yaml.
"""
import argparse, os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch
from plain_pytorch import MobileNetV2, read_safetensors


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('model')
    arguments.add_argument('--batch', type=int, default=32)
    arguments.add_argument('--seconds', type=float, default=5)
    arguments.add_argument('--threads', type=int, default=1)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)

    tensors = read_safetensors(os.path.join(options.model, 'weights.safetensors'))
    encoder = MobileNetV2().eval()
    prefix = 'encoder.'
    encoder.load_state_dict({name[len(prefix):]: value.float() for name, value in tensors.items()
                             if name.startswith(prefix)})
    example = torch.rand(options.batch, 3, 224, 224)
    with torch.no_grad():
        encoder = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(encoder, example)))
        for _ in range(3):
            encoder(example)
        photos, cpu, begin = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - begin < options.seconds:
            encoder(example)
            photos += options.batch
    wall = time.perf_counter() - begin
    cpu = time.process_time() - cpu
    print(f'encoder alone: {photos / wall:.1f} photos/s, {1000 * cpu / photos:.2f} ms of CPU a photo '
          f'(TorchScript, batch {options.batch}, {options.threads} threads)')


if __name__ == '__main__':
    main()
