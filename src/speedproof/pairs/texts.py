"""The project's own texts: seven categories of ten, in the shape of the report's set, and hostile ones.

Written for this project. The report's notebooks use 70 short texts in these seven categories; the
texts themselves are not part of the report.
"""

import random

CATEGORIES: dict[str, tuple[str, ...]] = {
    "Python": (
        "def add(a, b): return a + b",
        "import numpy as np",
        "for row in table: print(row)",
        "class Tree(Node): pass",
        "x = [i ** 2 for i in range(10)]",
        "with open(path) as file:\n    text = file.read()",
        "raise ValueError('empty list')",
        "lambda k: k[1]",
        "assert total == 0, total",
        "if __name__ == '__main__': main()",
    ),
    "URLs": (
        "https://example.org/index.html",
        "http://localhost:8080/",
        "ftp://files.example.net/archive.tar.gz",
        "https://example.com/search?q=sparse&page=2",
        "www.example.edu/~reader/notes",
        "https://docs.example.org/en/latest/#install",
        "mailto:someone@example.org",
        "<a href='https://example.org'>link</a>",
        "https://example.org/%E4%BD%A0",
        "git@example.com:team/tools.git",
    ),
    "Math": (
        "E = mc^2",
        "2 + 2 = 4",
        "The integral of x dx is x^2 / 2 + C",
        "sin(a)^2 + cos(a)^2 = 1",
        "Let n be a prime larger than 3.",
        "a < b && b > c",
        "\\frac{1}{2} \\sum_{i=1}^{n} i",
        "∀ε > 0 ∃δ > 0",
        "3.14159",
        "det(AB) = det(A) det(B)",
    ),
    "Non-English": (
        "Bonjour tout le monde",
        "Wo ist der Bahnhof?",
        "La casa está vacía",
        "今日は良い天気です",
        "你好，世界",
        "مرحبا بالعالم",
        "שלום עולם",
        "Привет, как дела?",
        "Þetta reddast",
        "नमस्ते दुनिया",
    ),
    "Social": (
        "omg this is so good 😂😂",
        "#throwback to last summer 🌊",
        "@friend are you coming tonight?",
        "lol same",
        "can't believe it's monday again 🙃",
        "like & share if you agree!!!",
        "brb, coffee ☕",
        "new video is up 🎥 link in bio",
        "ngl that was <b>amazing</b>",
        "happy bday 👩‍👩‍👧‍👦🎉",
    ),
    "Formal": (
        "Dear Sir or Madam,",
        "We hereby confirm receipt of your letter.",
        "Pursuant to section 4, the parties agree as follows.",
        "The committee will reconvene on Thursday.",
        "Please find attached the annual report.",
        "Yours faithfully,",
        "The undersigned declares under oath that the above is true.",
        "All rights reserved.",
        "In accordance with the terms of the contract, payment is due.",
        "Minutes of the meeting were approved.",
    ),
    "Conversational": (
        "Hey, how's it going?",
        "I don't know, maybe later.",
        "Did you see the game last night?",
        "Sure, sounds good to me.",
        "What do you want for dinner?",
        "Oh no, I forgot my keys again.",
        "Thanks a lot!",
        "Wait, what?",
        "She said she would call you back after lunch.",
        "Yeah\n\nno",
    ),
}

N_CTX = 128
"""Tokens that subject `tiny` takes, bos included."""
FILLS_CONTEXT = " ".join(["is"] * (N_CTX - 1))
"""Exactly as many tokens as `tiny` takes: `is` is one token, at the start and after a space."""
OVER_CONTEXT = " ".join(["in"] * N_CTX)
"""One token more than `tiny` takes; the last is cut off."""

HOSTILE: tuple[str, ...] = (
    "",
    " ",
    "\n",
    "a",
    "<|endoftext|>",
    "<|endoftext|>starts with the special token",
    "has one <|endoftext|> inside",
    "ends with the special token<|endoftext|>",
    "<|endoftext|><|endoftext|>",
    "   spaces on both sides   ",
    "tab\tand\r\nline breaks",
    "e\u0301 is not \u00e9",
    "\u202eright to left override",
    "zero\u200bwidth",
    "<script>alert('x')</script>",
    "null \x00 byte",
    "same",
    "same",
    "word " * 40,
    "\u00a0\u2003\u3000\t",
    "Z\u0351\u036b\u0343a\u0300\u0325l\u0334\u0322g\u0353o\u0489",
    "\ufeffbegins with a byte order mark",
    "\u2067שלום\u2069 (abc) مرحبا 123",
    "1\u2028 2\u2029 3\x85 4\x0b 5\x0c 6",
    "\x1b[31mred\x1b[0m",
    "&lt;b&gt; &amp; <!-- <td> --> &#8203;",
    "𝒳 𐍈 🇩🇪 👩🏽‍🚀",
    "<|endoftext",
    "is <|endoftext|> is <|endoftext|> is",
    FILLS_CONTEXT,
    OVER_CONTEXT,
    "x" * 400,
)
"""Texts that have broken padding, lengths or pages somewhere. The special token is GPT-2's pad, bos and eos.

What is no text at all, a string with a lone surrogate, is not among them: both twins must refuse it.
"""

WORDS: tuple[str, ...] = tuple(
    sorted({word for texts in CATEGORIES.values() for text in texts for word in text.split()})
)


def own(n_texts: int) -> list[str]:
    """The first `n_texts` texts, the categories in turn so that a prefix keeps all of them; cycled past the end."""
    rounds = [texts[i] for i in range(10) for texts in CATEGORIES.values()]
    return [rounds[i % len(rounds)] for i in range(n_texts)]


def generated(n_texts: int, seed: int, shortest: int, longest: int) -> list[str]:
    """`n_texts` texts of `shortest` to `longest` words each, drawn from `WORDS` by `seed`."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(shortest, longest))) for _ in range(n_texts)]


MANY_POOL = (*own(70), *generated(80, seed=1, shortest=1, longest=4))
"""150 short texts, nearly all distinct, that very many are drawn from."""


def many(n_texts: int, seed: int) -> list[str]:
    """`n_texts` texts drawn from `MANY_POOL` by `seed`."""
    return random.Random(seed).choices(MANY_POOL, k=n_texts)
