#!/usr/bin/python3
"""The script that people write instead of photoscribe: a DataLoader, the model's own weights, greedy words, SQLite.

It does the same work per photo (blur check with plain OpenCV, EfficientNetV2-B0 + soft-attention LSTM, one row), only with
less of a search: greedy, where photoscribe runs beam 3. A development check: needs python3-torch, python3-opencv and
python3-yaml; the product needs no Python.

    plain_pytorch.py MODEL_FOLDER PHOTOS_FOLDER DATABASE [--tuned] [--limit N] [--batch N] [--loaders N] [--threads N]

--tuned: the encoder through TorchScript's freeze + optimize_for_inference.
"""
import argparse, os, sqlite3, time
import cv2
import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn

from model_files import read_safetensors


def read_tensors(path):
    return {name: torch.from_numpy(array) for name, array in read_safetensors(path).items()}


def read_concepts(folder, vocabulary):
    """The number of each concept's name, and of each word the concept that it names (-1: none)."""
    number = {word: i for i, word in enumerate(vocabulary)}
    names, of_word = [], torch.full((len(vocabulary),), -1, dtype=torch.int64)
    for line in open(f'{folder}/concepts.txt', encoding='utf-8'):
        words = [word.strip() for word in line.split('#')[0].split('|')[0].split(',') if word.strip()]
        if words:
            of_word[[number[word] for word in words]] = len(names)
            names.append(number[words[0]])
    return torch.tensor(names), of_word


class Conv(nn.Sequential):
    """Convolution (batch norm folded into its bias), padded as TensorFlow does, and silu, under torchvision's names."""

    def __init__(self, i, o, k=1, s=1, g=1, silu=True):
        super().__init__(nn.Conv2d(i, o, k, s, 0 if s == 2 else (k - 1) // 2, groups=g))
        self.pad, self.silu = (0, k - 2, 0, k - 2) if s == 2 else None, silu  # for even sides

    def forward(self, x):
        x = self[0](F.pad(x, self.pad) if self.pad else x)
        return F.silu(x) if self.silu else x


class Gate(nn.Module):
    def __init__(self, i, squeezed):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(i, squeezed, 1), nn.Conv2d(squeezed, i, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(x.mean((2, 3), keepdim=True)))))


class Block(nn.Module):
    """MBConv, or fused MBConv: a whole 3x3 convolution in place of a pointwise and a depthwise one."""

    def __init__(self, i, o, s, t, fused):
        super().__init__()
        self.skip, wide = s == 1 and i == o, i * t
        if fused:
            layers = [Conv(i, wide, 3, s), Conv(wide, o, silu=False)] if t > 1 else [Conv(i, o, 3, s)]
        else:
            layers = [Conv(i, wide), Conv(wide, wide, 3, s, wide), Gate(wide, i // 4), Conv(wide, o, silu=False)]
        self.block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.block(x) if self.skip else self.block(x)


class EfficientNetV2B0(nn.Module):
    def __init__(self):
        super().__init__()
        stages, i = [Conv(3, 32, 3, 2)], 32
        for t, c, n, s, fused in [(1, 16, 1, 1, True), (4, 32, 2, 2, True), (4, 48, 2, 2, True), (4, 96, 3, 2, False),
                                  (6, 112, 5, 1, False), (6, 192, 8, 2, False)]:
            blocks = []
            for k in range(n):
                blocks.append(Block(i, c, s if k == 0 else 1, t, fused))
                i = c
            stages.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*stages, Conv(192, 1280))

    def forward(self, x):
        return self.features(x)


class Decoder(nn.Module):
    """Soft attention after Xu et al. 2015, as models/decoder/decoder.h defines it; greedy."""

    def __init__(self, tensors, architecture, concepts=None):
        super().__init__()
        self.architecture, self.concepts = architecture, concepts
        for name, value in tensors.items():
            if name.startswith('decoder.'):
                self.register_buffer(name[8:].replace('.', '_'), value)

    @torch.no_grad()
    def forward(self, features, words_max):
        """(N,C,G,G) -> (N,words_max) word numbers; ends are 2."""
        features = features.flatten(2).transpose(1, 2)
        values = F.relu(F.linear(features, self.annotate_weight, self.annotate_bias))
        mean = values.mean(1)
        if self.concepts:
            names, of_word = self.concepts
            standardised = (features.mean(1) - self.concept_feature_mean) / self.concept_feature_std
            seen = torch.sigmoid(F.linear(standardised, self.concept_head_weight, self.concept_head_bias))
            p, which = seen.topk(self.architecture['concept_slots'], 1)
            words = F.linear(self.word_weight[names[which]] * p.unsqueeze(2), self.concept_value_weight,
                             self.concept_value_bias)
            values, mean = torch.cat([values, words], 1), mean + words.mean(1)
            odds = (seen.clamp_min(0.003) / 0.1).log() * self.architecture['concept_weight']
            odds = odds[:, of_word.clamp_min(0)] * (of_word >= 0)
        keys = F.linear(values, self.attention_key_weight)
        h, c = torch.tanh(F.linear(mean, self.start_weight, self.start_bias)).chunk(2, 1)
        token = torch.ones(len(features), dtype=torch.int64)
        done = torch.zeros(len(features), dtype=torch.bool)
        out = []
        for _ in range(words_max + 1):
            word = self.embedding_weight[token]
            query = F.linear(h, self.attention_query_weight, self.attention_query_bias)
            score = torch.tanh(keys + query.unsqueeze(1)) @ self.attention_score_weight
            context = torch.bmm(torch.softmax(score, 1).unsqueeze(1), values).squeeze(1)
            context = context * torch.sigmoid(F.linear(h, self.gate_weight, self.gate_bias))
            gates = (F.linear(word, self.cell_input_weight, self.cell_bias) + F.linear(context, self.cell_context_weight)
                     + F.linear(h, self.cell_hidden_weight))
            i, f, g, o = gates.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            state = torch.tanh(F.linear(h, self.output_hidden_weight, self.output_bias)
                               + F.linear(context, self.output_context_weight) + word)
            logits = F.linear(state, self.word_weight, self.word_bias)
            if self.concepts:
                logits += F.softplus(F.linear(state, self.concept_gate_weight, self.concept_gate_bias)) * odds
            logits[:, [0, 1, 3]] = -1e9
            token = logits.argmax(1)
            token = torch.where(done, torch.full_like(token, 2), token)
            out.append(token)
            done |= token == 2
            if bool(done.all()):
                break
        return torch.stack(out, 1)


class Photos(torch.utils.data.Dataset):
    """What every such script has: imread, a blur check with plain OpenCV (or 0), resize, normalise."""

    def __init__(self, paths, side, blur=True):
        self.paths, self.side, self.blur = paths, side, blur
        self.mean = np.array([0.485, 0.456, 0.406], np.float32)
        self.std = np.array([0.229, 0.224, 0.225], np.float32)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = cv2.imread(self.paths[index])
        score = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var() if self.blur else 0
        small = cv2.resize(image, (self.side, self.side), interpolation=cv2.INTER_AREA)
        pixels = (cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255 - self.mean) / self.std
        return index, score, torch.from_numpy(pixels.transpose(2, 0, 1))


def find(folder):
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(('.jpg', '.jpeg', '.png')):
                yield os.path.join(base, name)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('model')
    arguments.add_argument('photos')
    arguments.add_argument('database')
    arguments.add_argument('--tuned', action='store_true')
    arguments.add_argument('--limit', type=int, default=0)
    arguments.add_argument('--batch', type=int, default=32)
    arguments.add_argument('--loaders', type=int, default=2)
    arguments.add_argument('--threads', type=int, default=0)
    arguments.add_argument('--threshold', type=float, default=100)
    options = arguments.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)

    settings = yaml.safe_load(open(f'{options.model}/model.yaml'))
    tensors = read_tensors(f'{options.model}/weights.safetensors')
    vocabulary = open(f'{options.model}/vocab.txt', encoding='utf-8').read().rstrip('\n').split('\n')
    side = settings['architecture'].get('input_side_px', 224)
    encoder = EfficientNetV2B0()
    encoder.load_state_dict({name[8:]: value for name, value in tensors.items() if name.startswith('encoder.')})
    encoder.eval()
    if options.tuned:
        example = torch.zeros(options.batch, 3, side, side)
        encoder = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(encoder, example)))
    concepts = settings['architecture'].get('concepts') and read_concepts(options.model, vocabulary)
    decoder = Decoder(tensors, settings['architecture'], concepts)

    paths = list(find(options.photos))
    if options.limit:
        paths = paths[:options.limit]
    loader = torch.utils.data.DataLoader(Photos(paths, side), batch_size=options.batch, num_workers=options.loaders)
    database = sqlite3.connect(options.database)
    database.execute('CREATE TABLE result (path TEXT PRIMARY KEY, blur_score REAL, caption TEXT)')
    begin = time.time()
    for index, score, pixels in loader:
        clear = [i for i in range(len(score)) if score[i] >= options.threshold]
        captions = {}
        if clear:
            tokens = decoder(encoder(pixels[clear]), settings.get('search', {}).get('tokens_max', 22))
            for i, row in zip(clear, tokens.tolist()):
                captions[i] = ' '.join(vocabulary[t] for t in row[:row.index(2) if 2 in row else len(row)])
        database.executemany('INSERT INTO result VALUES (?,?,?)', [
            (paths[index[i]], float(score[i]), captions.get(i)) for i in range(len(score))])
        database.commit()
    seconds = time.time() - begin
    print(f'{len(paths)} photos in {seconds:.1f} s: {len(paths) / seconds:.1f} photos/s')


if __name__ == '__main__':
    main()
