"""What ``contam filter`` finds of planted loops and copies, and how much untouched human text it drops.

``python benchmarks/filtering_corpus.py [plants|sources|files|speed]`` prints four tables. Human text is that of the
shared data (``sources.py`` says where it is looked for). Some minutes of one core.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import sources

from contam.filtering.running import filter_corpus

LENGTHS = (20, 50, 100, 300, 1000, 2000)
EACH = 60
"""Plants of a kind and length."""
Words = list[str]
Edit = Callable[[Words, random.Random, float], Words]


def bag(text: str) -> set[tuple[str, ...]]:
    """The different 5-word pieces, by a segmentation of our own: runs of letters, runs of digits, case folded."""
    words = re.findall(r"[^\W\d_]+|\d+", text.casefold())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def jaccard(left: str, right: str) -> float:
    """Jaccard similarity of the pieces."""
    a, b = bag(left), bag(right)
    return len(a & b) / max(1, len(a | b))


def _places(words: Words, draw: random.Random, share: float) -> list[int]:
    count = min(len(words) - 1, max(1, round(share * len(words))))
    return sorted(draw.sample(range(len(words)), count), reverse=True)


def substituted(words: Words, draw: random.Random, share: float) -> Words:
    """Some words are others."""
    out = list(words)
    for i in _places(words, draw, share):
        out[i] = draw.choice(words) + "x"
    return out


def deleted(words: Words, draw: random.Random, share: float) -> Words:
    """Some words are left out."""
    out = list(words)
    for i in _places(words, draw, share):
        del out[i]
    return out


def inserted(words: Words, draw: random.Random, share: float) -> Words:
    """Some words are added."""
    out = list(words)
    for i in _places(words, draw, share):
        out.insert(i, "really")
    return out


def block(words: Words, draw: random.Random, share: float) -> Words:
    """A run of words is left out: five times the share of the others, which each spoil five pieces."""
    size = min(len(words) // 2, max(1, round(4 * share * len(words))))
    start = draw.randrange(len(words) - size)
    return words[:start] + words[start + size :]


def marked(words: Words, draw: random.Random, share: float) -> Words:
    """Other case and punctuation: the same words."""
    return [draw.choice((w.upper(), w + ",", w.title(), f"({w})")) if draw.random() < 0.3 else w for w in words]


EDITS: dict[str, Edit] = {
    "words substituted": substituted, "words deleted": deleted, "words inserted": inserted, "a passage deleted": block,
    "case and punctuation": marked,
}  # fmt: skip


def loop(words: Words, period: int, size: int, draw: random.Random) -> Words:
    """A piece of ``period`` words repeated to ``size`` words."""
    start = draw.randrange(max(1, len(words) - period))
    piece = words[start : start + period]
    return [piece[i % len(piece)] for i in range(size)]


def looping(kind: str, words: Words, size: int, draw: random.Random) -> Words:
    """A document of ``size`` words with a loop of some kind."""
    period = {"a word": 1, "a phrase": draw.randint(2, 8), "a sentence": draw.randint(9, 25)}.get(kind, 0)
    if period:
        return loop(words, min(period, max(1, size // 4)), size, draw)
    if kind == "a passage":
        return loop(words, min(draw.randint(26, 64), max(1, size // 4)), size, draw)
    share = {"last half": 0.5, "last third": 0.34, "middle half": 0.5}[kind]
    looped = loop(words, min(draw.randint(1, 12), max(1, round(share * size) // 4)), round(share * size), draw)
    rest = words[: size - len(looped)]
    return rest + looped if kind != "middle half" else rest[: len(rest) // 2] + looped + rest[len(rest) // 2 :]


LOOPS = ("a word", "a phrase", "a sentence", "a passage", "last half", "last third", "middle half")


def originals() -> list[Words]:
    """Human documents of 2,000 words and more, and the beginnings of others, each used once."""
    found = [text.split() for source in sources.english() for text in source.texts]
    draw = random.Random(0)
    draw.shuffle(found)
    return found


def plants() -> None:
    """Recall by kind and length."""
    draw = random.Random(1)
    humans = originals()
    pool = {size: [words[:size] for words in humans if len(words) >= size] for size in LENGTHS}
    rows: list[tuple[str, str, str]] = []  # kind, text, original
    for size in LENGTHS:
        for kind in LOOPS:
            made = (looping(kind, draw.choice(pool[size]), size, draw) for _ in range(EACH))
            rows += [(f"loop: {kind}", " ".join(words), "") for words in made]
        base = draw.sample(pool[size], min(len(pool[size]), EACH))
        for words in base:
            text = " ".join(words)
            rows.append(("exact", text, text))
            for kind, edit in EDITS.items():
                for share in (0.005, 0.01, 0.02, 0.03):
                    rows.append((f"near: {kind}", " ".join(edit(words, draw, share)), text))
    with tempfile.TemporaryDirectory() as folder:
        _judge_plants(rows, Path(folder))


def _judge_plants(rows: Sequence[tuple[str, str, str]], folder: Path) -> None:
    """One corpus a kind, so that plants do not cover for each other."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for kind in dict.fromkeys(kind for kind, _, _ in rows):
        for number in range(4 if kind.startswith("near") else 1):
            chosen = [row for row in rows if row[0] == kind]
            chosen = chosen[number::4] if kind.startswith("near") else chosen
            firsts = list(dict.fromkeys(original for _, _, original in chosen if original)) or ["a text that stays"]
            lines = [json.dumps({"text": text}) for text in firsts + [text for _, text, _ in chosen]]
            path, out = folder / "in.jsonl", folder / "out.jsonl"
            path.write_text("\n".join(lines) + "\n")
            rules = ("REP001",) if kind.startswith("loop") else ("DUP001", "DUP002")
            filter_corpus(str(path), str(out), rules=rules, audit=None, force=True)
            listed = [json.loads(line) for line in (folder / "out.jsonl.dropped").read_text().splitlines()]
            dropped = {row["line"] for row in listed}
            for i, (_, text, original) in enumerate(chosen, len(firsts) + 1):
                similarity = jaccard(text, original) if original else 1.0
                group = "planted" if similarity >= 0.8 else "less similar"
                found[kind][group] += 1
                found[kind][f"{group} found"] += i in dropped
    print("kind | J >= .8 | found | recall | J < .8 | dropped")
    for kind, counts in found.items():
        recall = counts["planted found"] / max(1, counts["planted"])
        less = f"{counts['less similar']} | {counts['less similar found']}"
        print(f"{kind} | {counts['planted']} | {counts['planted found']} | {recall:.4f} | {less}")


def untouched() -> None:
    """The share of human documents that is dropped, by rule, and the largest shares by source."""
    by_domain: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    print("source | documents | loops | exact | near")
    for source in sources.english():
        with tempfile.TemporaryDirectory() as folder:
            path, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in source.texts))
            filter_corpus(str(path), str(out), audit=None)
            rows = [json.loads(line) for line in (Path(folder) / "out.jsonl.dropped").read_text().splitlines()]
        counts = [len({r["line"] for r in rows if r["rule"] == rule}) for rule in ("REP001", "DUP001", "DUP002")]
        for i, count in enumerate((len(source.texts), *counts)):
            by_domain[source.domain][i] += count
        if any(counts):
            print(source.name, len(source.texts), *counts, sep=" | ")
            for row in rows[:4]:
                copied = source.texts[int(row["of"].rpartition(":")[2]) - 1][:60] if "of" in row else ""
                text = source.texts[row["line"] - 1]
                print("   ", row["rule"], row["value"], len(text), repr(text[:60]), repr(text[-60:]), repr(copied))
    print("\ndomain | documents | loops % | exact % | near %")
    for domain, (n, *counts) in sorted(by_domain.items()):
        print(domain, n, *(f"{100 * c / n:.2f}" for c in counts), sep=" | ")


def collected() -> None:
    """The same of whole files as they were collected, with the copies that they hold, code and other languages."""
    print("file | documents | loops % | exact % | near %")
    for file in sorted((sources.SHARED / "human").glob("*.jsonl.zst")):
        texts = [row["text"] for row in sources.rows(f"human/{file.name}")]
        with tempfile.TemporaryDirectory() as folder:
            path, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
            found = {rule.rule: rule.documents for rule in filter_corpus(str(path), str(out), audit=None).by_rule}
        name = file.name.partition(".")[0]
        print(name, len(texts), *(f"{100 * count / len(texts):.2f}" for count in found.values()), sep=" | ")


def _corpus(path: Path, megabytes: int) -> int:
    """Human text with some copies, as JSON lines; bytes of text."""
    texts = [text for source in sources.english() for text in source.texts]
    draw = random.Random(2)
    size = 0
    with path.open("w") as out:
        while size < megabytes << 20:
            text = draw.choice(texts)
            words = text.split()
            at = draw.randrange(len(words) + 1)
            made = text if draw.random() < 0.1 else " ".join(words[at:] + words[:at])
            out.write(json.dumps({"text": made}) + "\n")
            size += len(made.encode())
    return size


def speed() -> None:
    """Megabytes of text a second of one thread, beside datasketch where it is installed (MinHash and LSH alone)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.jsonl"
        size = _corpus(path, 20)
        for rules in (("REP001", "DUP001", "DUP002"), ("DUP",), ("DUP001",)):
            begin = time.process_time()
            out = str(Path(folder) / "out.jsonl")
            result = filter_corpus(str(path), out, rules=rules, audit=None, workers=1, force=True)
            rate = size / (time.process_time() - begin) / 1e6
            print(f"contam filter {' '.join(rules)}: {rate:.1f} MB/s, {result.dropped} of {result.documents}")
        try:
            from datasketch import MinHash, MinHashLSH
        except ImportError:
            return
        begin = time.process_time()
        index, dropped = MinHashLSH(threshold=0.8, num_perm=128), 0
        for number, line in enumerate(path.read_text().splitlines()):
            words = json.loads(line)["text"].lower().split()
            sketch = MinHash(num_perm=128)
            sketch.update_batch([" ".join(words[i : i + 5]).encode() for i in range(max(0, len(words) - 4))])
            near = bool(index.query(sketch))
            dropped += near
            if not near:
                index.insert(str(number), sketch)
        taken = time.process_time() - begin
        print(f"datasketch MinHashLSH: {size / taken / 1e6:.1f} MB/s, {dropped} dropped")


if __name__ == "__main__":
    tables = {"plants": plants, "sources": untouched, "files": collected, "speed": speed}
    for name in sys.argv[1:] or tables:
        tables[name]()
