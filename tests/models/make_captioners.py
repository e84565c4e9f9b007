#!/usr/bin/python3
"""make_captioners.py FOLDER: checkpoints of captioners as others publish them, tiny, and what they compute.

An implementation of its own of each network that `photoscribe-train import --kind` reads, in PyTorch, with the
names and shapes that the originals have. Needs python3-torch and python3-torchvision; what it writes is committed in
tests/models/captioners, so that the tests need neither. Deterministic.

The trunks have all their layers, so the files would be large: every parameter is a strided view of one of a few small
storages, which is all that torch.save keeps of them.

Written for each NAME: NAME.json {"words": words by number, "forced": numbers of two captions, "features": mean and
first features of two photos, "logits": behind each forced word, "captions": [[number, ...], log p] by beams of 3}.
"""
import argparse
import json
import os
import pathlib
import pickle
import sys

import torch
import torchvision
from torch import nn
from torch.nn import functional

from expect_captions import expect

SIDE, WORDS = 96, 23
torch.set_num_threads(1)
torch.manual_seed(11)
# Numbers with few digits, so that the files pack well.
PLAIN = (torch.randn(12_000) * 32).round() / 32
MIDDLE = (torch.randn(12_000) * 24).round() / 32  # of layers that add up few numbers
SMALL = (torch.randn(12_000) * 8).round() / 128
POSITIVE = (torch.rand(4_000) * 32 + 24).round() / 32


def view(storage, shape, at):
    """A tensor of `shape` over `storage` that begins at a place of its own."""
    strides = [1, 3, 5, 7][: len(shape)]
    reach = sum((extent - 1) * stride for extent, stride in zip(shape, strides))
    return storage.as_strided(tuple(shape), tuple(strides), (at * 37) % (len(storage) - reach))


def fill(module, trunk):
    """Gives every parameter and buffer of `module` numbers, `trunk` those of a ResNet."""
    for number, (name, owner) in enumerate(module.named_modules()):
        if isinstance(owner, (nn.BatchNorm2d, nn.BatchNorm1d)):
            size = owner.weight.shape
            owner.weight = nn.Parameter(view(POSITIVE, size, number))
            owner.bias = nn.Parameter(view(SMALL, size, number + 1))
            owner.running_mean = view(SMALL, size, number + 2)
            fan_in = getattr(owner, "fan_in", 1)
            owner.running_var = torch.tensor([float(fan_in)]).expand(size)
            continue
        for at, (part, parameter) in enumerate(list(owner.named_parameters(recurse=False))):
            few = parameter.dim() == 2 and parameter.shape[1] < 100
            storage = PLAIN if trunk else MIDDLE if few else SMALL
            setattr(owner, part, nn.Parameter(view(storage, parameter.shape, 5 * number + at)))
    return module.eval()


def resnet(name):
    """torchvision's, each batch norm told how many numbers its convolution adds up."""
    model = getattr(torchvision.models, name)()
    previous = None
    for owner in model.modules():
        if isinstance(owner, nn.BatchNorm2d):
            owner.fan_in = previous.weight[0].numel()
        previous = owner if isinstance(owner, nn.Conv2d) else previous
    return model


def caffe_resnet(name):
    """With the strides and the pooling of the authors' own weights."""
    model = resnet(name)
    model.maxpool = nn.MaxPool2d(3, 2, padding=0, ceil_mode=True)
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model


def features_of(model, images):
    x = model.maxpool(model.relu(model.bn1(model.conv1(images))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x))))


def photos():
    """Two photos of bytes that a test can make again, normalised as for ImageNet: (2,3,S,S)."""
    n, c, y, x = torch.meshgrid(torch.arange(2), torch.arange(3), torch.arange(SIDE), torch.arange(SIDE),
                                indexing="ij")
    byte = ((x * (3 + n) + y * 5 + c * 29 + (x * y) // 7 + n * 53) % 256).float()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (byte / 255 - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


# --- sgrvinod ---
class Encoder(nn.Module):
    def __init__(self, trunk):
        super().__init__()
        self.enc_image_size = 14
        self.resnet = nn.Sequential(*list(trunk.children())[:-2])
        self.adaptive_pool = nn.AdaptiveAvgPool2d((14, 14))

    def grid(self, images):
        return self.resnet(images)


class Attention(nn.Module):
    def __init__(self, channels, hidden, attention):
        super().__init__()
        self.encoder_att = nn.Linear(channels, attention)
        self.decoder_att = nn.Linear(hidden, attention)
        self.full_att = nn.Linear(attention, 1)
        self.relu, self.softmax = nn.ReLU(), nn.Softmax(dim=1)


class DecoderWithAttention(nn.Module):
    def __init__(self, channels, attention, embedding, hidden, words):
        super().__init__()
        self.attention_dim = attention
        self.attention = Attention(channels, hidden, attention)
        self.embedding = nn.Embedding(words, embedding)
        self.dropout = nn.Dropout(0.5)
        self.decode_step = nn.LSTMCell(embedding + channels, hidden)
        self.init_h, self.init_c = nn.Linear(channels, hidden), nn.Linear(channels, hidden)
        self.f_beta, self.sigmoid = nn.Linear(hidden, channels), nn.Sigmoid()
        self.fc = nn.Linear(hidden, words)

    def begin(self, grid):
        pooled = functional.adaptive_avg_pool2d(grid, (14, 14)).flatten(2).transpose(1, 2)
        return pooled, (self.init_h(pooled.mean(1)), self.init_c(pooled.mean(1)))

    def step(self, pooled, word, state):
        att = self.attention
        energy = torch.relu(att.encoder_att(pooled) + att.decoder_att(state[0]).unsqueeze(1))
        alpha = att.full_att(energy).squeeze(2).softmax(1)
        seen = torch.sigmoid(self.f_beta(state[0])) * (pooled * alpha.unsqueeze(2)).sum(1)
        h, c = self.decode_step(torch.cat([self.embedding(word), seen], 1), state)
        return self.fc(h), (h, c)


# --- ruotianluo ---
class Maxout(nn.Module):
    def __init__(self, embedding, hidden):
        super().__init__()
        self.i2h, self.h2h = nn.Linear(embedding, 5 * hidden), nn.Linear(hidden, 5 * hidden)

    def forward(self, x, state, added=0):
        h, c = state
        i, f, o, a, b = (self.i2h(x) + self.h2h(h)).chunk(5, 1)
        if torch.is_tensor(added):
            first, second = added.chunk(2, 1)
            a, b = a + first, b + second
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.maximum(a, b)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, c


class Fc(nn.Module):
    """fc and newfc, which differ in names alone."""

    def __init__(self, channels, embedding, hidden, words, newer):
        super().__init__()
        self.photo, self.cell = ("fc_embed", "_core") if newer else ("img_embed", "core")
        setattr(self, self.photo, nn.Linear(channels, embedding))
        setattr(self, self.cell, Maxout(embedding, hidden))
        self.embed, self.logit = nn.Embedding(words, embedding), nn.Linear(hidden, words)

    def begin(self, grid):
        zero = grid.new_zeros(grid.shape[0], self.logit.in_features)
        photo = getattr(self, self.photo)(grid.mean((2, 3)))
        return None, getattr(self, self.cell)(photo, (zero, zero))

    def step(self, _, word, state):
        state = getattr(self, self.cell)(self.embed(word), state)
        return self.logit(state[0]), state


class ShowTell(nn.Module):
    def __init__(self, channels, embedding, hidden, words):
        super().__init__()
        self.img_embed, self.core = nn.Linear(channels, embedding), nn.LSTM(embedding, hidden, 1, bias=False)
        self.embed, self.logit = nn.Embedding(words, embedding), nn.Linear(hidden, words)

    def begin(self, grid):
        _, state = self.core(self.img_embed(grid.mean((2, 3))).unsqueeze(0))
        return None, tuple(one[0] for one in state)

    def step(self, _, word, state):
        out, state = self.core(self.embed(word).unsqueeze(0), tuple(one.unsqueeze(0) for one in state))
        return self.logit(out[0]), tuple(one[0] for one in state)


class Asking(nn.Module):
    def __init__(self, hidden, attention):
        super().__init__()
        self.h2att, self.alpha_net = nn.Linear(hidden, attention), nn.Linear(attention, 1)


class Att2in2Core(Maxout):
    def __init__(self, embedding, hidden, attention):
        super().__init__(embedding, hidden)
        self.a2c, self.attention = nn.Linear(hidden, 2 * hidden), Asking(hidden, attention)


class Att2in2(nn.Module):
    def __init__(self, channels, embedding, hidden, attention, words, norms):
        super().__init__()
        self.embed = nn.Sequential(nn.Embedding(words, embedding), nn.ReLU(), nn.Dropout(0.5))
        before = [nn.BatchNorm1d(channels)] if norms else []
        behind = [nn.BatchNorm1d(hidden)] if norms == 2 else []
        self.att_embed = nn.Sequential(*before, nn.Linear(channels, hidden), nn.ReLU(), nn.Dropout(0.5), *behind)
        self.ctx2att, self.core = nn.Linear(hidden, attention), Att2in2Core(embedding, hidden, attention)
        self.logit = nn.Linear(hidden, words)

    def begin(self, grid):
        pooled = functional.adaptive_avg_pool2d(grid, (14, 14)).flatten(2).transpose(1, 2)
        flat = self.att_embed(pooled.reshape(-1, pooled.shape[2])).view(pooled.shape[0], 196, -1)
        zero = grid.new_zeros(grid.shape[0], self.logit.in_features)
        return flat, (zero, zero)

    def step(self, flat, word, state):
        ask = self.core.attention
        energy = torch.tanh(self.ctx2att(flat) + ask.h2att(state[0]).unsqueeze(1))
        alpha = ask.alpha_net(energy).squeeze(2).softmax(1)
        seen = torch.bmm(alpha.unsqueeze(1), flat).squeeze(1)
        state = self.core(self.embed(word), state, self.core.a2c(seen))
        return self.logit(state[0]), state


class ShowAttendTellCore(nn.Module):
    def __init__(self, channels, embedding, hidden, attention):
        super().__init__()
        self.rnn = nn.LSTM(embedding + channels, hidden, 1, bias=False)
        self.ctx2att, self.h2att = nn.Linear(channels, attention), nn.Linear(hidden, attention)
        self.alpha_net = nn.Linear(attention, 1)


class ShowAttendTell(nn.Module):
    def __init__(self, channels, embedding, hidden, attention, words):
        super().__init__()
        self.linear, self.embed = nn.Linear(channels, hidden), nn.Embedding(words, embedding)
        self.logit = nn.Linear(hidden, words)
        self.core = ShowAttendTellCore(channels, embedding, hidden, attention)

    def begin(self, grid):
        pooled = functional.adaptive_avg_pool2d(grid, (14, 14)).flatten(2).transpose(1, 2)
        start = self.linear(grid.mean((2, 3)))
        return pooled, (start, start)

    def step(self, pooled, word, state):
        core = self.core
        energy = torch.tanh(core.ctx2att(pooled) + core.h2att(state[0]).unsqueeze(1))
        alpha = core.alpha_net(energy).squeeze(2).softmax(1)
        seen = torch.bmm(alpha.unsqueeze(1), pooled).squeeze(1)
        x = torch.cat([self.embed(word), seen], 1).unsqueeze(0)
        out, state = core.rnn(x, tuple(one.unsqueeze(0).contiguous() for one in state))
        return self.logit(out[0]), tuple(one[0] for one in state)


# --- yunjey ---
class EncoderCNN(nn.Module):
    def __init__(self, trunk, embedding, channels):
        super().__init__()
        self.resnet = nn.Sequential(*list(trunk.children())[:-1])
        self.linear, self.bn = nn.Linear(channels, embedding), nn.BatchNorm1d(embedding, momentum=0.01)

    def grid(self, images):
        return self.resnet[:-1](images)


class DecoderRNN(nn.Module):
    def __init__(self, embedding, hidden, words):
        super().__init__()
        self.embed, self.lstm = nn.Embedding(words, embedding), nn.LSTM(embedding, hidden, 1, batch_first=True)
        self.linear = nn.Linear(hidden, words)


class Yunjey:
    """Both halves, as they caption."""

    def __init__(self, encoder, decoder):
        self.encoder, self.decoder = encoder, decoder

    def begin(self, grid):
        photo = self.encoder.bn(self.encoder.linear(grid.mean((2, 3))))
        _, state = self.decoder.lstm(photo.unsqueeze(1))
        return None, tuple(one[0] for one in state)

    def step(self, _, word, state):
        out, state = self.decoder.lstm(self.decoder.embed(word).unsqueeze(1),
                                       tuple(one.unsqueeze(0).contiguous() for one in state))
        return self.decoder.linear(out[:, 0]), tuple(one[0] for one in state)


class Vocabulary:
    def __init__(self, words):
        self.word2idx = {word: i for i, word in enumerate(words)}
        self.idx2word = dict(enumerate(words))
        self.idx = len(words)


def spoken(number):
    return [f"word{i}" for i in range(number)]


def make_sgrvinod(folder):
    encoder = fill(Encoder(resnet("resnet18")), True)
    decoder = fill(DecoderWithAttention(512, 9, 7, 11, WORDS), False)
    # as its script numbers them: words from 1, then <unk>, <start>, <end>; <pad> is 0
    words = ["<pad>"] + spoken(WORDS - 4) + ["<unk>", "<start>", "<end>"]
    with open(f"{folder}/sgrvinod_WORDMAP.json", "w") as file:
        json.dump({word: i for i, word in enumerate(words)}, file)
    adam = torch.optim.Adam(decoder.parameters(), lr=4e-4)
    checkpoint = {"epoch": 3, "epochs_since_improvement": 0, "bleu-4": 0.25, "encoder": encoder, "decoder": decoder,
                  "encoder_optimizer": None, "decoder_optimizer": adam}
    torch.save(checkpoint, f"{folder}/sgrvinod.pth.tar")
    torch.save(checkpoint, f"{folder}/sgrvinod_old.pth.tar", _use_new_zipfile_serialization=False)
    # That form holds the path of this file; here a made one, of the same length as its pickle counts it.
    path, here = pathlib.Path(f"{folder}/sgrvinod_old.pth.tar"), os.path.abspath(__file__).encode()
    path.write_bytes(path.read_bytes().replace(here, b"/home/me/src".ljust(len(here) - 1, b"/") + b"x"))
    torch.save({"epoch": 3, "encoder": encoder.state_dict(), "decoder": decoder.state_dict()},
               f"{folder}/sgrvinod_states.pth.tar")
    with torch.no_grad():
        grid = encoder.grid(photos())
    expect("sgrvinod", folder, decoder, grid, words, WORDS - 2, WORDS - 1, [0, WORDS - 3, WORDS - 2])


def make_ruotianluo(folder):
    trunk = fill(caffe_resnet("resnet50"), True)
    torch.save(trunk.state_dict(), f"{folder}/ruotianluo_resnet50.pth")
    with torch.no_grad():
        grid = features_of(trunk, photos())
    words = [""] + spoken(WORDS - 2) + ["UNK"]
    models = {
        "fc": Fc(2048, 7, 11, WORDS, False),
        "newfc": Fc(2048, 7, 11, WORDS, True),
        "show_tell": ShowTell(2048, 7, 11, WORDS),
        "att2in2": Att2in2(2048, 7, 11, 9, WORDS, 0),
        "att2in2_norms": Att2in2(2048, 7, 11, 9, WORDS, 2),
        "show_attend_tell": ShowAttendTell(2048, 7, 11, 9, WORDS),
    }
    for number, (name, model) in enumerate(models.items()):
        fill(model, False)
        later = torch.zeros(WORDS)
        later[0] = -1.5  # captions of some length
        model.logit.bias = nn.Parameter(model.logit.bias.detach() + later)
        kind = name.replace("_norms", "")
        torch.save(model.state_dict(), f"{folder}/ruotianluo_{name}.pth",
                   _use_new_zipfile_serialization=number % 2 == 0)
        infos = {"iter": 1000, "split_ix": {"train": list(range(20))}, "best_val_score": 0.9,
                 "vocab": {str(i): word for i, word in enumerate(words) if word},
                 "opt": argparse.Namespace(caption_model=kind, seq_length=12, rnn_type="lstm",
                                           input_att_dir="data/cocotalk_att")}
        with open(f"{folder}/ruotianluo_{name}_infos.pkl", "wb") as file:
            pickle.dump(infos, file, protocol=number % 5)
        expect("ruotianluo_" + name, folder, model, grid, words, 0, 0, [WORDS - 1])


def make_yunjey(folder):
    encoder = fill(EncoderCNN(resnet("resnet18"), 7, 512), True)
    fill(encoder.linear, False)
    encoder.bn.running_var = view(POSITIVE, (7,), 9)
    decoder = fill(DecoderRNN(7, 11, WORDS), False)
    words = ["<pad>", "<start>", "<end>", "<unk>"] + spoken(WORDS - 4)
    torch.save(encoder.state_dict(), f"{folder}/yunjey_encoder.ckpt", _use_new_zipfile_serialization=False)
    torch.save(decoder.state_dict(), f"{folder}/yunjey_decoder.ckpt", _use_new_zipfile_serialization=False)
    with open(f"{folder}/yunjey_vocab.pkl", "wb") as file:
        pickle.dump(Vocabulary(words), file)
    with torch.no_grad():
        grid = encoder.grid(photos())
    expect("yunjey", folder, Yunjey(encoder, decoder), grid, words, 1, 2, [0, 1, 3])


make_sgrvinod(sys.argv[1])
make_ruotianluo(sys.argv[1])
make_yunjey(sys.argv[1])
