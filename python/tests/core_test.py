# SPDX-License-Identifier: Apache-2.0
"""The package's compiled module against the command line: the same caches, the same attention, bit for bit.

    core_test.py AQPIM FOLDER

AQPIM is the program, FOLDER has the module _core.
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "python"))
import aqpim  # noqa: E402

PROGRAM, TOKENS, QUERIES = Path(sys.argv[1]), 608, 128
aqpim.__path__.append(sys.argv[2])
SOURCES = {64: "smollm2_prose_2k", 128: "gqa128_prose_2k"}


def run(*command):
    done = subprocess.run([str(PROGRAM), *map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}, {done.stderr}")


class OfWorkload(unittest.TestCase):
    """Tests with a short workload of one captured head."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.workloads = {}
        for dim, name in SOURCES.items():
            source = aqpim.Workload(ROOT / f"workloads/{name}.safetensors")
            head = next(iter(source.values()))
            path = cls.folder / f"{dim}.safetensors"
            with aqpim.WorkloadWriter(path, metadata={"model": "m"}) as writer:
                writer.add_head(head.name, head.q[:, :QUERIES], head.k[:TOKENS], head.v[:TOKENS])
            cls.workloads[dim] = aqpim.Workload(path)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def head(self, dim=64):
        return next(iter(self.workloads[dim].values()))


class CommandLine(OfWorkload):
    def check_cache(self, config, command, options, dim=64):
        workload = self.workloads[dim]
        expected, path = self.folder / "expected.safetensors", self.folder / "cache.safetensors"
        run("quantize", workload.path, "-o", expected, "--config", config, *command)
        quantizer = aqpim.Quantizer(self.head(dim), config, **options)
        while quantizer.append():
            pass
        metadata = workload.metadata | {"configuration": config, "workload_sha256": workload.sha256()}
        aqpim.write_caches(path, [quantizer.cache], metadata=metadata, queries=[quantizer.queries()])
        self.assertEqual(expected.read_bytes(), path.read_bytes())

    def test_every_option_gives_the_file_of_the_command_line(self):
        cases = [
            ("pq8-d64", [], {}),
            ("pq4", [], {}, 128),
            ("pq4-d64", ["--window", 128, "--no-weights", "--transform", "greedy"],
             {"window": 128, "weights": False, "transform": "greedy"}),
            ("pq4-d64", ["--no-centring", "--transform", "whitening", "--clustering", "float"],
             {"centring": False, "transform": "whitening", "clustering": "float"}),
            ("pq4-d64", ["--sinks", 4, "--append-block", 64, "--prefill", 500, "--transform", "none"],
             {"sinks": 4, "append_block": 64, "prefill": 500, "transform": "none"}),
            ("pq4-d64", ["--calibration", self.workloads[64].path, "--calibration-tokens", 300, "--transform",
                         "determinant"],
             {"calibration": self.workloads[64], "calibration_tokens": 300, "transform": "determinant"}),
        ]
        for case in cases:
            with self.subTest(case[:2]):
                self.check_cache(*case)

    def test_the_golden_engine_computes_what_the_rtl_does(self):
        workload, config = self.workloads[64], "pq4-d64"
        run("sim", "--workload", workload.path, "--config", config, "--queries", 2, "--software-prefill", "--out",
            self.folder / "sim")
        _, played = aqpim.read_caches(self.folder / "sim/outputs.safetensors")
        tensors = played[self.head().name].tensors
        quantizer = aqpim.Quantizer(self.head(), config)
        for g in range(len(tensors["o"])):
            for i, t in enumerate(tensors["queries"]):
                output = quantizer.attend(g, int(t)).output
                np.testing.assert_array_equal(output.astype(np.float32), tensors["o"][g, i])
        for i, t in enumerate(tensors["queries"]):
            self.assertEqual(quantizer.cache.first_recent(int(t)), tensors["first_recent"][i])
        np.testing.assert_array_equal(quantizer.cache.codes_k, tensors["codes_k"])


class Arithmetic(OfWorkload):
    def test_tiles_are_integers_that_make_the_output(self):
        quantizer = aqpim.Quantizer(self.head(), "pq8-d64", sinks=8)
        t = TOKENS - 1
        attention = quantizer.attend(1, t)
        cache, fraction = quantizer.cache, quantizer.configuration.engine["WeightWidth"]
        self.assertEqual(sum(tile.tokens for tile in attention.tiles), cache.first_recent(t) - 8)
        # Sinks and recent tokens in double precision, then all parts together.
        head = self.head()
        query = head.q[1, -1].astype(float)
        exact = [s for s in range(t + 1) if s < 8 or s >= cache.first_recent(t)]
        scores = head.k[exact].astype(float) @ query * np.log2(np.e) / 8
        total, output = 0.0, np.zeros(64)
        for tile in attention.tiles:
            self.assertEqual(tile.weights.sum(), tile.weight_sum)
            factor = 2.0 ** (tile.maximum + tile.common - fraction)
            total += tile.weight_sum * factor
            output += np.linalg.solve(cache.transform_v.astype(float),
                                      tile.outputs * np.repeat(cache.scale_v.astype(float), 4)) * factor
        total += (2.0 ** scores).sum()
        output += 2.0 ** scores @ head.v[exact]
        np.testing.assert_allclose(attention.output, output / total, rtol=1e-9)

    def test_reference_and_exact_attention(self):
        head, t = self.head(), TOKENS - 5
        quantizer = aqpim.Quantizer(head, "pq8-d64")
        query = head.q[2, -5].astype(float)
        quantizer.append_until(t)
        vectors = {"exact": (head.k[:t + 1].astype(float), head.v[:t + 1].astype(float))}
        decoded = [array.copy() for array in vectors["exact"]]
        cache = quantizer.cache
        for array, codes in zip(decoded, cache.decode()):
            array[cache.sinks:cache.first_recent(t)] = codes[:cache.first_recent(t) - cache.sinks]
        # The reference takes codebooks in single precision, as they stand in files.
        for attention, (keys, values), near in ((quantizer.reference(2, t), decoded, 1e-5),
                                                (aqpim.exact_attention(head, 2, t), vectors["exact"], 1e-9)):
            scores = keys @ query / 8
            weights = np.exp(scores - scores.max())
            weights /= weights.sum()
            np.testing.assert_allclose(attention.probabilities, weights, rtol=near)
            np.testing.assert_allclose(attention.output, weights @ values, rtol=near)

    def test_codes_decode_as_the_file_says(self):
        cache = aqpim.quantize(self.head(), "pq4-d64", window=256)
        path = self.folder / "decode.safetensors"
        aqpim.write_caches(path, [cache])
        metadata, read = aqpim.read_caches(path)
        self.assertEqual(metadata, {})
        for mine, files in zip(cache.decode(), read[cache.name].decode()):
            np.testing.assert_allclose(mine, files, rtol=1e-6, atol=1e-6)
        error = np.linalg.norm(cache.decode()[0] - self.head().k[8:8 + cache.tokens])
        self.assertLess(error / np.linalg.norm(self.head().k[8:8 + cache.tokens]), 0.5)

    def test_a_window_is_clustered_and_encoded_by_itself(self):
        head = self.head()
        quantizer = aqpim.Quantizer(head, "pq8-d64", weights=False)
        cache = quantizer.cache
        values = head.v[8:].astype(float) @ cache.transform_v.astype(float).T
        raw = values / np.repeat(cache.scale_v.astype(float), 4) / 256
        codebook = aqpim.cluster_window(raw[:quantizer.timeline.prefill - 8], np.ones(quantizer.timeline.prefill - 8),
                                        "pq8-d64", values=True)
        stored = cache.stored_codebook_v[0]  # [M, K, Dsub]
        np.testing.assert_array_equal(codebook.reshape(256, 16, 4).transpose(1, 0, 2), stored)
        codes = aqpim.encode(raw[:cache.tokens], codebook, "pq8-d64", values=True)
        np.testing.assert_array_equal(codes, cache.codes_v)

    def test_tokens_that_come_later(self):
        head, first = self.head(), TOKENS - 70
        whole = aqpim.quantize(head, "pq8-d64", prefill=first - 1)
        early = aqpim.Head(head.q[:, :-70], head.k[:first], head.v[:first], head.name)
        quantizer = aqpim.Quantizer(early, "pq8-d64", prefill=first - 1)
        before = quantizer.cache.tokens
        for token in range(first, TOKENS):
            quantizer.extend(head.q[:, [token - TOKENS]], head.k[[token]], head.v[[token]])
            quantizer.append_until(token)
        self.assertGreater(quantizer.cache.tokens, before)
        self.assertEqual(quantizer.timeline.tokens, TOKENS)
        np.testing.assert_array_equal(quantizer.cache.codes_k, whole.codes_k)
        np.testing.assert_array_equal(quantizer.cache.centers_k, whole.centers_k)
        self.assertEqual(quantizer.cache.window, whole.window)


class Refusals(OfWorkload):
    def refuse(self, sentence, call, *arguments, **options):
        with self.assertRaisesRegex(aqpim.InputError, sentence):
            call(*arguments, **options)

    def test_sentences(self):
        head = self.head()
        self.refuse("no configuration", aqpim.Quantizer, head, "pq9")
        self.refuse("has 64 channels, the configuration needs 128", aqpim.Quantizer, head, "pq8")
        self.refuse("transform is one of none, greedy", aqpim.Quantizer, head, "pq8-d64", transform="best")
        self.refuse("multiple of 16", aqpim.Quantizer, head, "pq8-d64", window=100)
        self.refuse("sinks is a number of tokens, not -1", aqpim.Quantizer, head, "pq8-d64", sinks=-1)
        self.refuse("calibration_tokens needs", aqpim.Quantizer, head, "pq8-d64", calibration_tokens=9)
        self.refuse("no query head 3", aqpim.Quantizer(head, "pq8-d64").attend, 3, TOKENS - 1)
        self.refuse("there is no query head 0 at token 3", aqpim.Quantizer(head, "pq8-d64").attend, 0, 3)
        self.refuse("queries of tokens 480 ... 607", aqpim.exact_attention, head, 0, 3)
        self.refuse("tokens to add have 3 queries", aqpim.Quantizer(head, "pq8-d64").extend, head.q[:2, :1], head.k[:1], head.v[:1])
        self.refuse("weights are whole numbers", aqpim.cluster_window, np.zeros((9, 64)), np.zeros(9), "pq8-d64")
        self.refuse("at most 2047/256", aqpim.cluster_window, np.full((9, 64), 9.0), np.ones(9), "pq8-d64")
        self.refuse("256 x 64 bytes", aqpim.encode, np.zeros((9, 64)), np.zeros((64, 256), "u1"), "pq8-d64")
        self.refuse("not finite at", aqpim.Head, head.q * np.inf, head.k, head.v)
        self.refuse("q has 64 channels, but .k has 32", aqpim.Head, head.q, head.k[:, :32], head.v[:, :32])
        self.refuse("cannot be|No such file", aqpim.Workload, self.folder / "nothing.safetensors")
        self.refuse("holds no cache", aqpim.read_caches, self.workloads[64].path)
        self.refuse("queries that they belong to", aqpim.write_caches, "x", [], outputs=[])

    def test_variants_of_attention_that_cannot_be_played(self):
        head, path = self.head(), self.folder / "variant.safetensors"
        for options, sentence in (({"sliding_window": 100}, "a sliding window of 100"), ({"softcap": 5.0}, "soft-cap"),
                                  ({"sink_logits": [1, 2, 3]}, "learned sinks")):
            with aqpim.WorkloadWriter(path) as writer:
                writer.add_head(head.name, head.q, head.k, head.v, **options)
            workload = aqpim.Workload(path)
            self.refuse(sentence, workload.__getitem__, head.name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
