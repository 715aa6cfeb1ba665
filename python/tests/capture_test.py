# SPDX-License-Identifier: Apache-2.0
"""Captures of tiny random models: fed back through exact attention in numpy, a file reproduces the model's own logits."""
import contextlib
import io
import os
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import numpy as np
from tiny_models import CHANGES, SMALL, TOKENS, attention_of, read, reproduce, tiny, token_ids  # noqa: I001

from aqpim.capture import capture
from aqpim.capture_main import layers_of, main
from aqpim.errors import InputError
from aqpim.workload_file import WorkloadWriter

REPRODUCED = [kind for kind in CHANGES if kind not in ("falcon", "deepseek_v3", "llama4_text")]
REFUSED = {"falcon": "AttentionInterface", "deepseek_v3": "channels and its values", "llama4_text": "chunks"}


class Reproduction(unittest.TestCase):
    """The file says all about a model's attention."""

    def reproduce(self, kind):
        metadata, tensors, seen, difference = reproduce(tiny(kind))
        self.assertEqual(len(seen), SMALL["num_hidden_layers"])
        self.assertLess(difference, 1e-3, kind)
        return metadata, tensors, seen

    def test_every_architecture(self):
        for kind in REPRODUCED:
            with self.subTest(kind):
                self.reproduce(kind)

    def test_what_the_file_has_to_say_is_needed(self):
        """Without a window, soft-cap or sink logits, the logits are others: the test above can fail."""
        for kind, lost in (("mistral", "sliding_window"), ("gemma2", "softcap"), ("gpt_oss", "sink_logits")):
            with self.subTest(kind):
                metadata, tensors, _ = self.reproduce(kind)
                self.assertTrue([name for name in {**metadata, **tensors} if name.endswith(lost)])
                kept = [{name: x for name, x in part.items() if not name.endswith(lost)} for part in (metadata, tensors)]
                exact, without = (attention_of(*file, 0) for file in ((metadata, tensors), kept))
                self.assertGreater(np.abs(exact - without).max(), 1e-2)

    def test_windows_and_shared_caches(self):
        metadata, _, seen = self.reproduce("gemma3n_text")
        self.assertEqual([attention.window for attention in seen], [16, None, 16, None])
        self.assertEqual([attention.cache_of for attention in seen], [None, None, 0, 1])
        self.assertEqual(metadata["l2.h1.cache_of"], "l0.h1")
        self.assertEqual(metadata["l2.h1.sliding_window"], "16")
        self.assertNotIn("l1.h0.sliding_window", metadata)


class Refusals(unittest.TestCase):
    def refuse(self, model, sentence, **options):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "capture.safetensors"
            with self.assertRaisesRegex(InputError, sentence), WorkloadWriter(path) as writer:
                capture(model, token_ids(), writer, **options)
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_architectures_that_a_workload_cannot_say(self):
        for kind, sentence in REFUSED.items():
            with self.subTest(kind):
                self.refuse(tiny(kind), sentence)

    def test_no_such_layer_or_head(self):
        model = tiny("llama")
        self.refuse(model, "no attention in layer 4, only in 0, 1, 2, 3", layers=[0, 4])
        self.refuse(model, "no KV head l1.h2", heads=["l1.h0", "l1.h2"])
        self.refuse(model, "at least 1 query", queries=0)


class Selection(unittest.TestCase):
    def test_some_heads_and_queries(self):
        model = tiny("llama")
        with tempfile.TemporaryDirectory() as folder:
            everything, some = Path(folder) / "everything.safetensors", Path(folder) / "some.safetensors"
            with WorkloadWriter(everything, dtype="F32") as writer:
                capture(model, token_ids(), writer, queries=TOKENS)
            with WorkloadWriter(some, dtype="F32") as writer:
                seen = capture(model, token_ids(), writer, heads=["l2.h1", "l1.h0"], queries=7)
            self.assertEqual([attention.layer for attention in seen], [0, 1, 2], "the last layer is not computed")
            _, tensors = read(everything)
            _, chosen = read(some)
            self.assertEqual(sorted(chosen), [f"l{head}.{letter}" for head in ("1.h0", "2.h1") for letter in "kqv"])
            for name, values in chosen.items():
                full = tensors[name]
                np.testing.assert_array_equal(values, full[:, -7:] if name.endswith(".q") else full)
            self.assertEqual(some.stat().st_mode & 0o777, 0o666 & ~mask())


class Program(unittest.TestCase):
    """aqpim-capture: what cannot be is refused before a model is loaded."""

    def sentence(self, *arguments):
        """What main() prints last before it gives up."""
        text = io.StringIO()
        with (unittest.mock.patch("sys.argv", ["aqpim-capture", *map(str, arguments)]), contextlib.redirect_stderr(text)):
            try:
                code = main()
            except SystemExit as end:
                code = end.code
        self.assertEqual(code, 2, text.getvalue())
        return text.getvalue().splitlines()[-1]

    def test_sentences(self):
        with tempfile.TemporaryDirectory() as folder:
            text, output = Path(folder) / "text", Path(folder) / "heads.safetensors"
            self.assertIn("text cannot be read as text: No such file", self.sentence("m", text, "-o", output))
            text.write_bytes(b"\xff")
            self.assertIn("text cannot be read as text", self.sentence("m", text, "-o", output))
            text.write_text("a text")
            self.assertEqual(f"there is no model {folder}/m", self.sentence(f"{folder}/m", text, "-o", output))
            self.assertIn("neither a folder with a model nor a GGUF file", self.sentence(text, text, "-o", output))
            self.assertIn("cannot be loaded as a decoder", self.sentence(folder, text, "-o", output))
            self.assertIn("not '3-1'", self.sentence("m", text, "-o", output, "--layers", "3-1"))
            self.assertIn("not 'l2'", self.sentence("m", text, "-o", output, "--heads", "l2"))
            self.assertEqual([path.name for path in Path(folder).iterdir()], ["text"])

    def test_layers(self):
        self.assertEqual(layers_of("0,5,10-12"), {0, 5, 10, 11, 12})


def mask():
    current = os.umask(0)
    os.umask(current)
    return current


if __name__ == "__main__":
    unittest.main()
