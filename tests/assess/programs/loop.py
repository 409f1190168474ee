"""Nothing but Python."""

import truth


def tokenize(text):
    words = {}
    for word in text.split():
        key = "".join(sorted(word.lower()))
        words[key] = words.get(key, 0) + len(word)
    return words


text = " ".join(f"word{i % 97} of{i % 13} text" for i in range(2000))
truth.begin()
for _ in truth.rounds(2.5):
    truth.part("interpreter", lambda: tokenize(text))
truth.finish()
