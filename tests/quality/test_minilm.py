"""
The sentence embedding, computed by numpy.
"""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from benchmarks.quality.minilm import MOST_PIECES, Encoder, find_model


WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "tea",
    "##pot",
    "te",
    "##a",
    "cafe",
    "5",
    "-",
]
WIDTH = 24
INNER = 8


def make_model(folder):
    """
    Write a model of the same shape with small arrays by chance.
    """
    chance = np.random.default_rng(1)
    sizes = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (MOST_PIECES, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(6):
        before = f"encoder.layer.{layer}."
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            sizes[f"{before}attention.{part}.weight"] = (WIDTH, WIDTH)
            sizes[f"{before}attention.{part}.bias"] = (WIDTH,)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            sizes[f"{before}{part}.weight"] = sizes[f"{before}{part}.bias"] = (WIDTH,)
        sizes[f"{before}intermediate.dense.weight"] = (INNER, WIDTH)
        sizes[f"{before}intermediate.dense.bias"] = (INNER,)
        sizes[f"{before}output.dense.weight"] = (WIDTH, INNER)
        sizes[f"{before}output.dense.bias"] = (WIDTH,)
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in sizes.items():
        its = chance.normal(size=shape).astype("<f4").tobytes()
        offsets = [len(data), len(data) + len(its)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += its
    head = orjson.dumps(header)
    path = folder / "model.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    return folder


def test_pieces(tmp_path):
    """
    Words are cut into the longest pieces that are known; accents and case do not count.
    """
    pieces = Encoder(make_model(tmp_path)).to_pieces

    assert pieces("Teapot tea-5") == [2, 4, 5, 4, 10, 9, 3]
    assert pieces("CAFÉ soap") == [2, 8, 1, 3]
    assert len(pieces("tea " * 500)) == MOST_PIECES


def test_texts_do_not_depend_on_what_they_are_computed_with(tmp_path):
    """
    Each text has its vector of length 1, alone or beside longer ones, in its place.
    """
    encoder = Encoder(make_model(tmp_path))
    texts = ["tea", "teapot cafe 5 - tea tea", "cafe", "", *["tea 5"] * 70]

    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])

    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert together == pytest.approx(alone, abs=1e-5)
    assert abs(together[0] - together[2]).max() > 0.01


def test_a_model_that_is_not_installed(monkeypatch):
    """
    Then there is none, and nothing fails.
    """
    monkeypatch.setattr("benchmarks.quality.minilm.PACKAGE", "no_such_model")

    assert find_model() is None
