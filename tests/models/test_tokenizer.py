"""The tokenizer of ashore_prep.h against the algorithm as Google published it, written down here
with Python's unicodedata, on real and on random text."""

import os
import random
import subprocess
import sys
import unicodedata

import pytest
from test_prep import c, call

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALPHABETS = [(0x20, 0x7E)] * 6 + [(0x9, 0x20), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F),
                                 (0x590, 0x6FF), (0x900, 0xDFF), (0x1E00, 0x1FFF), (0x2000, 0x206F),
                                 (0x2200, 0x22FF), (0x3000, 0x30FF), (0x4E00, 0x4E40), (0xAC00, 0xAD00),
                                 (0xF900, 0xFAFF), (0x1D150, 0x1D1C0), (0x2F800, 0x2FA1F), (1, 0x10FFFF)]
IDEOGRAPHS = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
              (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]


class Options(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("lower_case", c.c_int32), ("strip_accents", c.c_int32),
                ("longest_word", c.c_int32), ("unknown", c.c_char_p), ("first", c.c_char_p),
                ("separator", c.c_char_p), ("continuation", c.c_char_p)]


def basic(text, lower, strip):
    """The words of a text.  Characters are decomposed one by one: marks that are not dropped (of
    musical notation, for the most part) stay in their order, where NFD of a whole word sorts some."""
    cleaned = []
    for ch in text:
        category = unicodedata.category(ch)
        if ch in "\t\n\r" or category in ("Zs", "Zl", "Zp"):
            cleaned.append(" ")
        elif category in ("Cc", "Cf", "Co") or ch == "\ufffd":
            continue
        elif any(a <= ord(ch) <= b for a, b in IDEOGRAPHS):
            cleaned.append(f" {ch} ")
        else:
            cleaned.append(ch)
    words = []
    for word in "".join(cleaned).split(" "):
        if strip:
            word = "".join(part for ch in word for part in unicodedata.normalize("NFD", ch)
                           if unicodedata.category(part) != "Mn")
        if lower:
            word = "".join(ch.lower() for ch in word)
        part = ""
        for ch in word:
            if unicodedata.category(ch)[0] == "P" or ch in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~":
                words += [part, ch]
                part = ""
            elif unicodedata.category(ch)[0] == "Z":
                words.append(part)
                part = ""
            else:
                part += ch
        words.append(part)
    return [word for word in words if word]


def pieces(word, vocab, longest=100):
    if len(word) > longest:
        return ["[UNK]"]
    out, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocab:
                break
        else:
            return ["[UNK]"]
        out.append(piece)
        start = end
    return out


def python_ids(text, vocab, lower, strip):
    return [vocab[p] for word in basic(text, lower, strip) for p in pieces(word, vocab)]


def random_text(rng, length):
    out = []
    while len(out) < length:
        low, high = rng.choice(ALPHABETS)
        out += [chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6))]
    return "".join(ch for ch in out if not 0xD800 <= ord(ch) < 0xE000)


def make_vocab(rng):
    """Letters of all alphabets, and pieces of random words, so that most words have some way."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    for low, high in ALPHABETS[:-1]:
        for code in range(low, high + 1):
            tokens += [chr(code), "##" + chr(code)]
    for _ in range(6000):
        word = rng.choice(basic(random_text(rng, 8), True, True) or ["a"])
        tokens += [word[:rng.randint(1, 6)], "##" + word[-rng.randint(1, 4):]]
    for a in "abcdefghijklmnopqrstuvwxyz":
        tokens += [a + b for b in "aeiou"] + ["##" + a + b for b in "aeiounrst"]
    tokens = [t for t in dict.fromkeys(tokens) if t.strip() == t and "\n" not in t and "\r" not in t]
    return {token: i for i, token in enumerate(tokens)}


@pytest.fixture(scope="module")
def vocab():
    return make_vocab(random.Random(1))


class Tokenizer:
    def __init__(self, library, vocab, lower, strip):
        self.library, self.handle = library, c.c_void_p()
        o = Options()
        library.lib.ashore_tokenizer_options_init(c.byref(o))
        o.lower_case, o.strip_accents = lower, strip
        text = "\n".join(vocab).encode()
        call(library, "ashore_tokenizer_create", text, c.c_size_t(len(text)), c.byref(o),
             c.byref(self.handle))

    def __call__(self, text, pair=None, room=1000):
        ids, types, count = (c.c_int64 * room)(), (c.c_int64 * room)(), c.c_size_t()
        call(self.library, "ashore_tokenizer_encode", self.handle, text, c.c_size_t(len(text)), pair,
             c.c_size_t(len(pair or b"")), c.c_size_t(room), ids, types, c.byref(count))
        return ids[:count.value], types[:count.value]

    def close(self):
        self.library.lib.ashore_tokenizer_destroy(c.byref(self.handle))


@pytest.mark.parametrize("lower,strip", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_random_text(library, vocab, lower, strip):
    rng = random.Random(2)
    tokenizer = Tokenizer(library, vocab, lower, strip)
    known = 0
    for _ in range(3000):
        text = random_text(rng, rng.randint(0, 60))
        ids, types = tokenizer(text.encode())
        expected = python_ids(text, vocab, lower, strip)
        assert ids == [vocab["[CLS]"], *expected, vocab["[SEP]"]], ascii(text)
        assert types == [0] * len(ids)
        known += sum(i != vocab["[UNK]"] for i in expected)
    tokenizer.close()
    assert known > 20000  # otherwise little was compared


def test_every_character(library):
    """What each is turned into, in a vocabulary of all of them; of those that are not assigned, and
    of the large blocks, every 13th."""
    def dull(code):
        return 0x3400 <= code < 0xF900 or code >= 0x20000 or unicodedata.category(chr(code)) == "Cn"

    codes = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000
             and (not dull(c) or c % 13 == 0 or unicodedata.decomposition(chr(c)))]
    codes = sorted({*codes, *range(0x1100, 0x1200)})  # and what syllables of Hangul consist of
    letters = [chr(code) for code in codes if chr(code) not in "\r\n"]
    vocab = {t: i for i, t in enumerate(["[UNK]", "[CLS]", "[SEP]", *letters,
                                         *("##" + letter for letter in letters)])}
    tokenizer = Tokenizer(library, vocab, 1, 1)
    for code in codes:
        text = f"x{chr(code)}y"
        assert tokenizer(text.encode())[0][1:-1] == python_ids(text, vocab, 1, 1), hex(code)
    tokenizer.close()


def test_broken_utf8(library, vocab):
    rng = random.Random(3)
    tokenizer = Tokenizer(library, vocab, 1, 1)
    for _ in range(3000):
        text = bytearray(random_text(rng, 20).encode())
        for _ in range(rng.randint(1, 6)):
            text[rng.randrange(len(text))] = rng.randrange(256)
        expected = python_ids(text.decode("utf-8", "replace"), vocab, 1, 1)
        assert tokenizer(bytes(text))[0][1:-1] == expected, bytes(text)
    tokenizer.close()


def test_pairs_that_are_cut(library, vocab):
    """Of a pair the longer one is cut first, as the package tokenizers does (longest first)."""
    rng = random.Random(4)
    tokenizer = Tokenizer(library, vocab, 1, 1)
    first, end = vocab["[CLS]"], vocab["[SEP]"]
    for _ in range(2000):
        a, b = (random_text(rng, rng.randint(0, 20)) for _ in range(2))
        room = rng.randint(3, 40)
        left, right = (python_ids(text, vocab, 1, 1) for text in (a, b))
        n, m, most = len(left), len(right), room - 3
        if n + m > most:
            short = min(n, m, most // 2)
            n, m = (most - short, short) if n > m else (short, most - short)
        expected = [first, *left[:n], end, *right[:m], end]
        ids, types = tokenizer(a.encode(), b.encode(), room)
        assert ids == expected, (a, b, room)
        assert types == [0] * (n + 2) + [1] * (m + 1)
    tokenizer.close()


def test_tables_are_current():
    done = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "unicode_tables"),
                           "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout.strip())
