#!/usr/bin/python3
"""What people write instead of `photoscribe-train fit`: Show, Attend and Tell on cached features of a frozen encoder, in PyTorch.

    fit_pytorch.py START PHOTOS CAPTIONS NAMES FEATURES --steps N [--all-steps N] [--batch N] [--threads N] [--dropout P] [--bfloat16]

START is a model's folder: vocabulary, encoder and the decoder's first weights are its. NAMES lists photos, one a line, all with
captions in CAPTIONS (Flickr's .token or JSON Lines). FEATURES (float16, photos x places x channels) is made where it is not there:
a DataLoader with two processes, EfficientNetV2-B0 in batches of 32. Sizes, loss, optimiser, schedule, photos a step and their order are
photoscribe's; captions of a step are sorted by length and those that have ended drop out of the loop (as the well-known tutorials
do it), annotations are worked out once a photo and words once a step. Prints one JSON object. A development check for
ops/bench/fit: needs Debian's python3-torch, python3-opencv and python3-yaml.
"""
import argparse
import contextlib
import json
import math
import os
import re
import resource
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from cpp_random import epoch_order  # noqa: E402
from plain_pytorch import EfficientNetV2B0, Photos, read_tensors  # noqa: E402

UNKNOWN, START, END, WORDS_MAX = 3, 1, 2, 22
RATE, RATE_END, WARMUP, DECAY, CLIP, SMOOTHING, PENALTY = 8e-4, 0.01, 200, 0.01, 5, 0.1, 1


class Decoder(nn.Module):
    """models/decoder/decoder_parameters.h says what it is (show_attend_tell)."""

    def __init__(self, tensors, dropout):
        super().__init__()
        own = {name[8:].replace(".", "_"): tensor for name, tensor in tensors.items() if name.startswith("decoder.")}

        def linear(*names, bias=None):
            weight = torch.cat([own[f"{name}_weight"] for name in names], 1)
            bias = own.get(f"{bias or names[0]}_bias")
            made = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
            made.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
            return made

        own["attention_score_weight"] = own["attention_score_weight"].view(1, -1)
        self.embedding = nn.Embedding.from_pretrained(own["embedding_weight"], freeze=False)
        self.annotate, self.key, self.query = linear("annotate"), linear("attention_key"), linear("attention_query")
        self.score, self.gate, self.start = linear("attention_score"), linear("gate"), linear("start")
        self.output, self.word = linear("output_hidden", "output_context", bias="output"), linear("word")
        weight_ih = torch.cat([own["cell_input_weight"], own["cell_context_weight"]], 1)
        self.cell = nn.LSTMCell(weight_ih.shape[1], weight_ih.shape[0] // 4)
        self.cell.load_state_dict({"weight_ih": weight_ih, "weight_hh": own["cell_hidden_weight"], "bias_ih": own["cell_bias"],
                                   "bias_hh": torch.zeros_like(own["cell_bias"])})
        self.cell.bias_hh.requires_grad_(False)  # one bias is enough
        self.drop = nn.Dropout(dropout)

    def forward(self, features, photo_of_row, words, lengths):
        """features (P,L,C), words (N,T) with `lengths` in falling order -> logits (S,V) step after step, attention (N,T,L)."""
        values = F.relu(self.annotate(features))
        h, c = (one[photo_of_row].float() for one in torch.tanh(self.start(values.mean(1))).chunk(2, 1))
        keys, values = self.key(values)[photo_of_row], values[photo_of_row]
        embedded = self.drop(self.embedding(words))
        hidden, contexts, said, looked = [], [], [], []
        for t in range(words.shape[1]):
            n = sum(length > t for length in lengths)
            h, c = h[:n], c[:n]
            energy = self.score(torch.tanh(keys[:n] + self.query(h).unsqueeze(1))).squeeze(2)
            alpha = torch.softmax(energy, 1)
            context = torch.bmm(alpha.unsqueeze(1), values[:n]).squeeze(1) * torch.sigmoid(self.gate(h))
            h, c = self.cell(torch.cat([embedded[:n, t], context], 1).float(), (h, c))
            hidden.append(h)
            contexts.append(context)
            said.append(embedded[:n, t])
            looked.append(F.pad(alpha, (0, 0, 0, len(lengths) - n)))
        out = torch.tanh(self.output(torch.cat([torch.cat(hidden), torch.cat(contexts)], 1)) + torch.cat(said))
        return self.word(self.drop(out)), torch.stack(looked, 1)


def tokens_of(caption):
    """The Penn Treebank's words, nearly: lower case, no punctuation, n't and 's by themselves."""
    return re.findall(r"n't|'(?:s|re|ve|ll|d|m)\b|(?:(?!n't)[a-z0-9])+(?:[-/&](?:(?!n't)[a-z0-9])+)*", caption.lower())


def read_captions(path):
    captions = {}
    for line in open(path, encoding="utf-8"):
        if line.startswith("{"):
            one = json.loads(line)
            captions[one["id"]] = one["captions"]
        elif "\t" in line:
            name, caption = line.rstrip("\n").split("\t", 1)
            captions.setdefault(name.rsplit("#", 1)[0], []).append(caption)
    return captions


def make_features(path, tensors, photos, names):
    encoder = EfficientNetV2B0().eval()
    encoder.load_state_dict({name[8:]: tensor for name, tensor in tensors.items() if name.startswith("encoder.")})
    loader = torch.utils.data.DataLoader(Photos([os.path.join(photos, name) for name in names], 224, blur=False), batch_size=32,
                                         num_workers=2)
    with torch.no_grad():
        all_of = [encoder(pixels).flatten(2).transpose(1, 2).half() for _, _, pixels in loader]
    np.save(path, torch.cat(all_of).numpy())


def batch_of(rows_of, photos):
    """Captions as numbers of `photos`, sorted by length: place of the photo, words in (N,T), targets step after step, lengths."""
    rows = [(place, row) for place, photo in enumerate(photos) for row in rows_of[photo]]
    rows.sort(key=lambda one: -len(one[1]))
    lengths = [len(row) for _, row in rows]
    told = nn.utils.rnn.pad_sequence([torch.tensor([START] + row[:-1]) for _, row in rows], batch_first=True)
    targets = torch.tensor([row[t] for t in range(lengths[0]) for _, row in rows if len(row) > t])
    return torch.tensor([place for place, _ in rows]), told, targets, lengths


def rate_at(step, all_steps):
    warm = min(WARMUP, math.ceil(all_steps / 10))
    if step < warm:
        return RATE * (step + 1) / warm
    share = (step - warm) / max(1, all_steps - warm)
    return RATE * (RATE_END + (1 - RATE_END) * 0.5 * (1 + math.cos(math.pi * share)))


def train(options, decoder, features, rows_of):
    """Seconds of the steps by the clock and of CPU, mean loss a word of all of them and of the last."""
    matrices = [p for p in decoder.parameters() if p.requires_grad and p.dim() > 1]
    vectors = [p for p in decoder.parameters() if p.requires_grad and p.dim() == 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}])
    per_epoch = math.ceil(len(rows_of) / options.batch)
    cast = torch.autocast("cpu", torch.bfloat16) if options.bfloat16 else contextlib.nullcontext()
    losses, cpu, begun = [], time.process_time(), time.perf_counter()
    for step in range(options.steps):
        if step % per_epoch == 0:
            order = epoch_order(len(rows_of), 1, step // per_epoch)
        photos = order[step % per_epoch * options.batch:][:options.batch]
        photo_of_row, told, targets, lengths = batch_of(rows_of, photos)
        shown = torch.from_numpy(features[photos].astype(np.float32))
        with cast:
            logits, looked = decoder(shown, photo_of_row, told, lengths)
        loss = F.cross_entropy(logits.float(), targets, ignore_index=UNKNOWN, label_smoothing=SMOOTHING)
        losses.append(loss.item())
        (loss + PENALTY * (1 - looked.float().sum(1)).square().mean()).backward()
        nn.utils.clip_grad_norm_(decoder.parameters(), CLIP)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, options.all_steps or options.steps)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return {"seconds": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu, "loss": float(np.mean(losses)),
            "last_loss": losses[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("start", "photos", "captions", "names", "features"):
        parser.add_argument(name)
    for name in ("steps", "all-steps", "threads"):
        parser.add_argument("--" + name, type=int, default=0)
    parser.add_argument("--batch", type=int, default=20, help="photos a step")
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    tensors = read_tensors(os.path.join(options.start, "weights.safetensors"))
    names = open(options.names, encoding="utf-8").read().split("\n")[:-1]
    words = open(os.path.join(options.start, "vocab.txt"), encoding="utf-8").read().rstrip("\n").split("\n")
    number = {word: i for i, word in enumerate(words)}
    captions = read_captions(options.captions)
    rows_of = [[[number.get(word, UNKNOWN) for word in tokens_of(one)[:WORDS_MAX]] + [END] for one in captions[name]] for name in names]
    if not os.path.exists(options.features):
        make_features(options.features, tensors, options.photos, names)
    features = np.load(options.features, mmap_mode="r")
    said = train(options, Decoder(tensors, options.dropout), features, rows_of)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    said |= {"process_cpu_s": sum(one.ru_utime + one.ru_stime for one in usage), "words": sum(len(r) for rows in rows_of for r in rows),
             "torch": torch.__version__}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
