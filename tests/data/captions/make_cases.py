#!/usr/bin/env python3
"""Writes cases.json and empty_references.json: BLEU-1..4, ROUGE-L and CIDEr-D of invented captions, by definition.

usage: make_cases.py                  writes both beside this script
       make_cases.py --check          fails unless they are what this script would write (a test runs this)
       make_cases.py --against FILE   prints how far this script is from scores that coco-caption itself gave

The scores are those of coco-caption (pycocoevalcap), from the papers and from its own peculiarities, in decimal
arithmetic of 40 digits, with nothing of this project's code:
- BLEU: Papineni et al., ACL 2002; closest reference length, of two equally close ones the shorter; 1e-15 above and
  1e-9 below each fraction; the corpus from summed counts.
- ROUGE-L: Lin, ACL 2004 workshop, beta 1.2; best precision and best recall, perhaps of two references; a caption
  without a token counts as one empty token.
- CIDEr-D: Vedantam et al., CVPR 2015, sigma 6; document frequencies over the references of all items; lengths are
  counted in bigrams, as coco-caption does.
It was anchored at coco-caption's own scores of 121 captions that may not be redistributed: --against gave a largest
difference of 4.4e-16 over items and corpus. Where python3-nltk is there, BLEU is also held against NLTK's corpus_bleu.
Standard library alone otherwise.
"""
import decimal
import json
import pathlib
import random
import re
import sys
from collections import Counter
from decimal import Decimal

HERE = pathlib.Path(__file__).parent
decimal.getcontext().prec = 40

# coco-caption's punctuation tokens; "-LRB-" and its like never meet a lower-cased token.
DROPPED = {"''", "'", "``", "`", '"', ".", "?", "!", ",", ":", "-", "--", "...", ";"}
CLITICS = re.compile(r"^(.+?)(n't|'s|'re|'ve|'ll|'d|'m)$")

# Tokens that are hard on counting: (name, hypothesis, references).
ODD = [
    ("empty hypothesis", "", ["a dog runs", "a brown dog is running fast"]),
    ("one word", "dog", ["a dog runs", "dog"]),
    ("one word that is not there", "zebra", ["a dog runs", "dog"]),
    ("two words", "a dog", ["a dog runs", "the dog barks at us"]),
    ("repeated word", "the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
    ("repeated phrase", "a dog and a dog and a dog and a dog", ["a dog and a dog", "two dogs and a dog and a dog"]),
    ("tie of lengths", "a b c d", ["a b c d e", "a b c"]),
    ("tie of lengths, turned", "a b c d", ["a b c", "a b c d e"]),
    ("no shared word", "two cats sleep here", ["a dog runs on the grass", "the dog is running"]),
    ("no shared bigram", "grass the on dog a", ["a dog runs on the grass", "the dog is running on grass"]),
    ("same reference five times", "a dog runs on grass", ["a dog runs on the grass"] * 5),
    ("one reference", "a dog runs on grass", ["a dog runs on the grass"]),
    ("twelve references", "a boat on a lake", ["a boat %s" % word for word in
                                                "lies sinks sails on in at by a of to for lake".split()]),
    ("punctuation is a token here", "a dog . a cat !", ["a dog . a cat .", "a dog , a cat !"]),
    ("letter case differs", "A dog Runs", ["a dog runs", "A Dog runs"]),
    ("numbers", "3 dogs and 2,000 turnips at 10:30", ["3 dogs and 2,000 turnips", "three dogs at 10:30 with 2 turnips"]),
    ("hyphens", "a black-and-white photo of a t-shirt", ["a black and white photo of a t-shirt",
                                                          "black-and-white picture of a t shirt"]),
    ("letters beyond ASCII", "a café in málaga serves jalapeños", ["the café in málaga serves jalapeños",
                                                                  "a cafe in malaga serves jalapeños"]),
    ("other scripts", "猫 が 眠る собака бежит 🐕", ["猫 が 眠る", "собака быстро бежит 🐕", "кошка спит"]),
    ("composed and decomposed", "caf\u00e9 cafe\u0301", ["cafe\u0301", "caf\u00e9"]),
    ("longer than one machine word", " ".join("w%d" % (i % 23) for i in range(70)),
     [" ".join("w%d" % (i % 19) for i in range(80)), " ".join("w%d" % (i % 23) for i in range(64))]),
    ("very long reference", "a dog runs on the grass",
     [" ".join("the dog on a w%d" % (i % 7) for i in range(60)) + " runs on the grass"]),
]

# A corpus of its own: `photoscribe score` takes no empty reference out of a file, so only the library meets these.
EMPTY_REFERENCES = [
    ("empty reference", "a dog runs", ["", "a brown dog is running fast"]),
    ("only an empty reference", "a dog", [""]),
    ("nothing at all", "", [""]),
    ("two of three empty", "two cats sleep", ["", "two cats sleep here", ""]),
    ("none empty", "a brown cat sleeps here", ["a brown dog sleeps here", "a cat is asleep"]),
]


def tokens_of(caption):
    """Of a caption whose punctuation stands apart, as Flickr8k's: lower case, clitics split, punctuation dropped."""
    tokens = []
    for word in caption.lower().split():
        parts = CLITICS.match(word)
        tokens += parts.groups() if parts else [word]
    return [token for token in tokens if token not in DROPPED]


def made_captions():
    """Photo -> its five references, photo -> its hypothesis, in the files' order."""
    references, said = {}, {}
    for line in (HERE / "references.token.txt").read_text(encoding="utf-8").splitlines():
        name, caption = line.split("\t")
        references.setdefault(name.split("#")[0], []).append(caption)
    for line in (HERE / "hypotheses.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said[row["id"]] = row["caption"]
    assert list(references) == list(said)
    return references, said


def made_items():
    """(id, hypothesis, references), each text tokens with one space between: the photos, changes of them, odd ones."""
    join = lambda caption: " ".join(tokens_of(caption))
    references, said = made_captions()
    photos = [(name, join(said[name]), [join(one) for one in ones]) for name, ones in references.items()]
    items = list(photos)
    rng = random.Random(20)
    for i, (name, hypothesis, ones) in enumerate(photos[:18]):
        words = hypothesis.split()
        shuffled = sorted(words, key=lambda _: rng.random())
        change = [("a reference", ones[i % 5]), ("shuffled", " ".join(shuffled)), ("first half", " ".join(words[: len(words) // 2])),
                  ("another photo's", photos[i + 1][1]), ("twice", hypothesis + " " + hypothesis),
                  ("backwards", " ".join(reversed(words)))][i % 6]
        items.append((name + ", " + change[0], change[1], ones))
    return items + ODD


def ngrams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


class Bleu:
    """Counts of one hypothesis; they add up."""

    def __init__(self, matched=(0,) * 4, total=(0,) * 4, length=0, reference_length=0):
        self.matched, self.total, self.length, self.reference_length = matched, total, length, reference_length

    @classmethod
    def of(cls, hypothesis, references):
        words, others = hypothesis.split(), [one.split() for one in references]
        matched, total = [], []
        for n in (1, 2, 3, 4):
            most = Counter()
            for other in others:
                most |= ngrams(other, n)
            own = ngrams(words, n)
            matched.append(sum((own & most).values()))
            total.append(max(0, len(words) - n + 1))
        closest = min((abs(len(other) - len(words)), len(other)) for other in others)[1]
        return cls(tuple(matched), tuple(total), len(words), closest)

    def __add__(self, other):
        plus = lambda a, b: tuple(x + y for x, y in zip(a, b))
        return Bleu(plus(self.matched, other.matched), plus(self.total, other.total), self.length + other.length,
                    self.reference_length + other.reference_length)

    def scores(self):
        tiny, small = Decimal("1e-15"), Decimal("1e-9")
        ratio = (self.length + tiny) / (self.reference_length + small)
        brevity = (1 - 1 / ratio).exp() if ratio < 1 else Decimal(1)
        product, scores = Decimal(1), []
        for n in range(4):
            product *= (self.matched[n] + tiny) / (self.total[n] + small)
            scores.append(product ** (Decimal(1) / (n + 1)) * brevity)
        return scores


def longest_common_subsequence(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if x == y else max(row[j], row[j - 1])
    return row[-1]


def rouge_l(hypothesis, references):
    words = hypothesis.split(" ")  # not split(): "" is one token
    precision = recall = Decimal(0)
    for one in references:
        other = one.split(" ")
        common = Decimal(longest_common_subsequence(words, other))
        precision, recall = max(precision, common / len(words)), max(recall, common / len(other))
    if precision == 0 or recall == 0:
        return Decimal(0)
    square = Decimal("1.2") ** 2
    return (1 + square) * precision * recall / (recall + square * precision)


class CiderD:
    def __init__(self, photos):
        self.photos = len(photos)
        self.seen_in = Counter()
        for references in photos:
            self.seen_in.update({gram for one in references for n in (1, 2, 3, 4) for gram in ngrams(one.split(), n)})
        self.logarithms = {0: Decimal(0)}

    def log(self, number):
        if number not in self.logarithms:
            self.logarithms[number] = Decimal(number).ln()
        return self.logarithms[number]

    def vectors(self, words):
        weigh = lambda gram: self.log(self.photos) - self.log(max(1, self.seen_in[gram]))
        return [{gram: count * weigh(gram) for gram, count in ngrams(words, n).items()} for n in (1, 2, 3, 4)]

    def score(self, hypothesis, references):
        norm = lambda vector: sum(x * x for x in vector.values()).sqrt() if vector else Decimal(0)
        words = hypothesis.split()
        own, sum_of_all = self.vectors(words), Decimal(0)
        for one in references:
            other = one.split()
            apart = Decimal(max(0, len(words) - 1) - max(0, len(other) - 1))
            for mine, theirs in zip(own, self.vectors(other)):
                dot = sum((min(x, theirs[gram]) * theirs[gram] for gram, x in mine.items() if gram in theirs), Decimal(0))
                if norm(mine) != 0 and norm(theirs) != 0:
                    dot /= norm(mine) * norm(theirs)
                sum_of_all += dot * (-apart * apart / 72).exp()
        return 10 * sum_of_all / 4 / len(references)


def score(items):
    """[{"bleu", "rouge_l", "cider_d"}] of the items and one of the corpus, as floats."""
    cider = CiderD([references for _, _, references in items])
    scored, counts = [], Bleu()
    for _, hypothesis, references in items:
        own = Bleu.of(hypothesis, references)
        counts += own
        scored.append({"bleu": own.scores(), "rouge_l": rouge_l(hypothesis, references),
                       "cider_d": cider.score(hypothesis, references)})
    corpus = {"bleu": counts.scores()}
    for name in ("rouge_l", "cider_d"):
        corpus[name] = sum(one[name] for one in scored) / len(scored)
    floats = lambda one: {name: [float(x) for x in value] if name == "bleu" else float(value) for name, value in one.items()}
    return [floats(one) for one in scored], floats(corpus)


def hold_against_nltk(items):
    """NLTK knows no epsilons: compared where every order matches, and over the corpus."""
    try:
        from nltk.translate.bleu_score import corpus_bleu
    except ImportError:
        print("python3-nltk is not installed: BLEU was not held against it")
        return
    pairs = [([one.split() for one in references], hypothesis.split()) for _, hypothesis, references in items]
    single = [([pair[0]], [pair[1]], Bleu.of(item[1], item[2])) for pair, item in zip(pairs, items)]
    whole = Bleu()
    for _, _, counts in single:
        whole += counts
    compared = 0
    for references, hypotheses, counts in single + [([r for r, _ in pairs], [h for _, h in pairs], whole)]:
        for n in (1, 2, 3, 4):
            if counts.matched[n - 1] == 0:
                continue
            # The corpus has items too short for an n-gram, which NLTK counts as one each.
            short = sum(len(hypothesis) < n for hypothesis in hypotheses) if len(hypotheses) > 1 else 0
            if short:
                continue
            got = corpus_bleu(references, hypotheses, weights=[1 / n] * n)
            assert abs(got - float(counts.scores()[n - 1])) < 1e-7, (n, got, counts.scores())
            compared += 1
    print("BLEU is NLTK's in %d of %d scores; the rest has an order without a match" % (compared, 4 * len(single) + 4))


def hold_against(file):
    cases = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    items = [(item["id"], item["hypothesis"], item["references"]) for item in cases["items"]]
    scored, corpus = score(items)
    flat = lambda one: one["bleu"] + [one["rouge_l"], one["cider_d"]]
    largest = max(abs(x - y) for got, expected in zip(scored + [corpus], cases["items"] + [cases["corpus"]])
                  for x, y in zip(flat(got), flat(expected)))
    print("%d items and their corpus: largest difference %.3g" % (len(items), largest))
    return largest < 1e-12


def made_file(items):
    """The file's rows and its corpus."""
    scored, corpus = score(items)
    rows = [{"id": name, "hypothesis": hypothesis, "references": references, **scores}
            for (name, hypothesis, references), scores in zip(items, scored)]
    return rows, corpus


def write(file, rows, corpus):
    with open(file, "w", encoding="utf-8") as out:
        out.write('{\n"note": "made by make_cases.py; do not edit. Tokens are separated by single spaces",\n"items": [\n')
        out.write(",\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
        out.write('\n],\n"corpus": %s\n}\n' % json.dumps(corpus))


def main():
    if sys.argv[1:2] == ["--against"]:
        sys.exit(not hold_against(sys.argv[2]))
    items = made_items()
    hold_against_nltk(items)
    for name, made in (("cases.json", made_file(items)), ("empty_references.json", made_file(EMPTY_REFERENCES))):
        if sys.argv[1:] == ["--check"]:
            committed = json.loads((HERE / name).read_text(encoding="utf-8"))
            if made != (committed["items"], committed["corpus"]):
                sys.exit("%s is not what make_cases.py makes: run it, and look at the difference" % name)
        else:
            write(HERE / name, *made)
            print("%s: %d items" % (name, len(made[0])))


main()
