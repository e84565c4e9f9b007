"""A model's folder as arrays, for the scripts that stand beside photoscribe: needs numpy alone."""
import json
import struct

import numpy as np


def read_safetensors(path):
    """Arrays by name, as float32; large ones, which are in eight bits, times their rows' scales."""
    data = open(path, 'rb').read()
    size, = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + size])
    kinds = {'F32': np.float32, 'F16': np.float16, 'I8': np.int8}
    arrays = {}
    for name, entry in header.items():
        if name == '__metadata__':
            continue
        begin, end = entry['data_offsets']
        raw = np.frombuffer(data[8 + size + begin:8 + size + end], kinds[entry['dtype']])
        arrays[name] = raw.reshape(entry['shape']).astype(np.float32)
    for name in [name for name in arrays if name.endswith('.scale')]:
        scale, table = arrays.pop(name), arrays[name[:-6]]
        table *= scale.reshape(-1, *[1] * (table.ndim - 1))
    return arrays
