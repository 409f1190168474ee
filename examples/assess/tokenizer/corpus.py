"""Writes a vocabulary and a text of its language, made from a seed: corpus.py DIR."""

import os
import random
import sys

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ONSETS = "b br c ch d dr f fl g gr h j k l m n p pl qu r s sh st t th tr v w z".split()
VOWELS = "a e i o u ai ea ou io é ü".split()
CODAS = ["", "", "l", "m", "n", "r", "s", "t", "ck", "ng"]
WORDS = 2500  # in a text


def syllables():
    return [a + b + c for a in ONSETS for b in VOWELS for c in CODAS]


def make_vocab():
    """Syllables, whole and inside of words, and characters, so that any word has pieces."""
    plain = [s.replace("é", "e").replace("ü", "u") for s in syllables()]
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    tokens = [*SPECIAL, *letters, *("##" + x for x in letters), *plain, *("##" + x for x in plain)]
    return list(dict.fromkeys(tokens))


def make_text(seed=1):
    rng = random.Random(seed)
    known = syllables()
    words = []
    for _ in range(WORDS):
        word = "".join(rng.choice(known) for _ in range(rng.choice((1, 2, 2, 3, 4))))
        if rng.random() < 0.1:
            word = word.capitalize()
        words.append(word + rng.choice(("", "", "", "", "", "", "", ",", ".", "-")))
    return " ".join(words)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, text in (("vocab.txt", "\n".join(make_vocab())), ("text.txt", make_text())):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
