#!/usr/bin/env python3
"""Prints tests/common/scores/nltk_cases.h: what NLTK's corpus_bleu gives for a few small corpora.

Development only (needs python3-nltk): python3 tests/common/scores/make_nltk_cases.py > tests/common/scores/nltk_cases.h
"""
import warnings

import nltk
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu

warnings.simplefilter("ignore")  # method 0 warns of every order without a match

# Each corpus: (hypothesis, references) pairs; a corpus of one is a sentence.
CORPORA = {
    "a copy": [("a dog runs on the grass", ["a dog runs on the grass"])],
    "no 4-gram": [("a dog runs on grass", ["a dog runs across the grass", "the dog is on grass"])],
    "unigrams alone": [("grass the on dog", ["a dog runs on the grass", "the dog is running"])],
    "nothing at all": [("two cats sleep here", ["a dog runs on the grass"])],
    "one word": [("dog", ["a dog runs", "dog"])],
    "two words": [("a dog", ["a dog runs", "the dog barks at us"])],
    "repeated words": [("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"])],
    "longer than all": [("a dog runs on the grass in the park today", ["a dog runs", "dog on grass"])],
    "tie of lengths": [("a b c d", ["a b c d e", "a b c"])],
    "several": [
        ("a dog runs on grass", ["a dog runs across the grass", "the dog is on grass"]),
        ("dog", ["a dog"]),
        ("", ["a cat"]),
        ("a man in a red shirt climbs a rock", ["a man climbs a rock", "a man in red is climbing up a rock wall"]),
        ("two cats", ["a dog runs on the grass"]),
    ],
    "empty alone": [("", ["a cat"])],
}
WEIGHTS = [tuple([1 / n] * n) for n in (1, 2, 3, 4)]


def quoted(text):
    return '"' + text + '"'


print("// Made by tests/common/scores/make_nltk_cases.py with NLTK %s; do not edit.\n#pragma once\n" % nltk.__version__)
print("#include <array>\n#include <string>\n#include <utility>\n#include <vector>\n")
print("namespace photoscribe::test {\n")
print("struct NltkCase {\n  const char* name;")
print("  std::vector<std::pair<std::string, std::vector<std::string>>> corpus;")
print("  std::array<std::array<double, 4>, 5> bleu;  // by method 0..4, BLEU-1..4\n};\n")
print("inline const std::vector<NltkCase>& nltk_cases() {\n  static const std::vector<NltkCase> kCases{")
for name, corpus in CORPORA.items():
    hypotheses = [hypothesis.split() for hypothesis, _ in corpus]
    references = [[one.split() for one in them] for _, them in corpus]
    rows = []
    for method in range(5):
        smoothing = getattr(SmoothingFunction(), "method%d" % method)
        got = corpus_bleu(references, hypotheses, weights=WEIGHTS, smoothing_function=smoothing)
        rows.append("{" + ", ".join(repr(float(score)) for score in got) + "}")
    pairs = ", ".join("{%s, {%s}}" % (quoted(h), ", ".join(map(quoted, rs))) for h, rs in corpus)
    print("      {%s, {%s}, {{%s}}}," % (quoted(name), pairs, ", ".join(rows)))
print("  };\n  return kCases;\n}\n\n}  // namespace photoscribe::test")
