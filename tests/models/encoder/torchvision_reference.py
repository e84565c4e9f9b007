"""Saves a torchvision model's state dict, an input and the features that it gives.

usage: torchvision_reference.py ARCHITECTURE FOLDER [WEIGHTS.safetensors]

ARCHITECTURE is a name of models/encoder/encoder_layers.h. Weights are random, batch norm statistics too, unless
a file of them is given. Writes state.pth (torch.save), input and features (raw float32, row-major) and
shape.txt. Exits with 77 when torchvision is not installed. Independent of this project's code on purpose.
"""
import json
import struct
import sys

try:
    import torch
    import torchvision
except ImportError:
    sys.exit(77)


def pad_as_tensorflow(model):
    """Stride-2 convolutions padded as SAME; batch norm epsilons of the original."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3
        if isinstance(module, torch.nn.Conv2d) and module.stride[0] == 2:
            module.padding = (0, 0)

            def pad(conv, inputs):
                (x,) = inputs
                widths = []
                for axis in (3, 2):
                    size, kernel, stride = x.shape[axis], conv.kernel_size[0], conv.stride[0]
                    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
                    widths += [total // 2, total - total // 2]
                return (torch.nn.functional.pad(x, widths),)

            module.register_forward_pre_hook(pad)


def stride_as_caffe(model):
    """The strides and the pooling of the ResNet authors' own weights."""
    model.maxpool = torch.nn.MaxPool2d(3, 2, padding=0, ceil_mode=True)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    types = {"F32": torch.float32, "F16": torch.float16}
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = bytearray(data[8 + size + begin : 8 + size + end])
        tensors[name] = torch.frombuffer(raw, dtype=types[entry["dtype"]]).reshape(entry["shape"]).float()
    return tensors


def model_of(name):
    """The model of that name without weights; those that torchvision does not have from its parts."""
    name = name.removeprefix("tf_").removeprefix("caffe_")
    if name != "efficientnetv2_b0":
        return getattr(torchvision.models, name)()
    from torchvision.models import efficientnet as parts
    fused, plain = parts.FusedMBConvConfig, parts.MBConvConfig
    return parts.EfficientNet([fused(1, 3, 1, 32, 16, 1), fused(4, 3, 2, 16, 32, 2), fused(4, 3, 2, 32, 48, 2),
                               plain(4, 3, 2, 48, 96, 3), plain(6, 3, 1, 96, 112, 5), plain(6, 3, 2, 112, 192, 8)],
                              dropout=0.2, last_channel=1280)


def trunk_of(model, name, last):
    """The modules in front of pooling and classifier, up to `last`."""
    if "resnet" in name:
        return torch.nn.Sequential(*list(model.children())[:-2])
    if not last:
        return model.features
    block, _, more = last.partition("+")
    stage, number = (int(part) for part in block.split(".")[1:3])
    parts = list(model.features[:stage]) + list(model.features[stage][: number + 1])
    if more:
        parts.append(model.features[int(more.split(".")[1])])
    return torch.nn.Sequential(*parts)


def main():
    architecture, folder = sys.argv[1], sys.argv[2]
    torch.manual_seed(7)
    torch.set_num_threads(1)
    name, _, last = architecture.partition("@")
    model = model_of(name).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
    if name.startswith("tf_"):
        pad_as_tensorflow(model)
    if name.startswith("caffe_"):
        stride_as_caffe(model)
    if len(sys.argv) > 3:
        missing, unexpected = model.load_state_dict(read_safetensors(sys.argv[3]), strict=False)
        assert not unexpected, unexpected
    image = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        features = trunk_of(model, name, last)(image)
    torch.save(model.state_dict(), folder + "/state.pth")
    image.numpy().tofile(folder + "/input")
    features.numpy().tofile(folder + "/features")
    with open(folder + "/shape.txt", "w") as file:
        file.write(" ".join(str(extent) for extent in features.shape))


if __name__ == "__main__":
    main()
