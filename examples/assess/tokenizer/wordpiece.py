"""A WordPiece tokenizer in pure Python, as models of the BERT family were first published with."""

import unicodedata


class Tokenizer:
    def __init__(self, vocab, longest_word=100):
        """vocab: the bytes of a vocab.txt."""
        self.ids = {token: i for i, token in enumerate(vocab.decode().split("\n"))}
        self.longest_word = longest_word

    def encode(self, text, length=512):
        ids = [self.ids["[CLS]"]]
        for word in text.split():
            word = strip_accents(word.lower())
            for part in split_punctuation(word):
                ids += self.pieces(part)
        return ids[:length - 1] + [self.ids["[SEP]"]]

    def pieces(self, word):
        if len(word) > self.longest_word:
            return [self.ids["[UNK]"]]
        found, start = [], 0
        while start < len(word):
            end = len(word)
            while end > start:
                piece = word[start:end] if start == 0 else "##" + word[start:end]
                if piece in self.ids:
                    found.append(self.ids[piece])
                    break
                end -= 1
            if end == start:
                return [self.ids["[UNK]"]]
            start = end
        return found


def strip_accents(word):
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")


def is_punctuation(char):
    return (char.isascii() and not char.isalnum()) or unicodedata.category(char).startswith("P")


def split_punctuation(word):
    part = ""
    for char in word:
        if is_punctuation(char):
            if part:
                yield part
            yield char
            part = ""
        else:
            part += char
    if part:
        yield part
