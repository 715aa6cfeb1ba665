# SPDX-License-Identifier: Apache-2.0
"""Workloads that the package writes, read without it."""
import json
import os
import struct
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from aqpim.errors import InputError  # noqa: E402
from aqpim.workload_file import WorkloadWriter  # noqa: E402

G, TQ, T, D = 2, 3, 5, 4


def head(seed=1):
    draw = np.random.default_rng(seed).standard_normal
    return draw((G, TQ, D)), draw((T, D)), draw((T, D))


def read(path):
    content = path.read_bytes()
    begin = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:begin]), content[begin:]


def to_bfloat16(values):
    """Bits of the nearest bfloat16 numbers, the even one of two, by trying both neighbours."""
    result = np.zeros(values.shape, "<u2")
    for place, x in np.ndenumerate(np.asarray(values, np.float32)):
        low = int(x.view("<u4")) >> 16
        near = [(abs(float(np.array(bits << 16, "<u4").view("<f4")) - float(x)), bits & 1, bits)
                for bits in (low, low + 1)]
        result[place] = min(near)[2]
    return result


class Files(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.path = self.folder / "w.safetensors"

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, *arrays, dtype="F32", name="l2.h0", **options):
        with WorkloadWriter(self.path, dtype=dtype, metadata={"model": "m"}) as writer:
            writer.add_head(name, *arrays, **options)

    def refuse(self, sentence, *arrays, **options):
        self.path.write_bytes(b"as before")
        with self.assertRaisesRegex(InputError, sentence):
            self.write(*arrays, **options)
        self.assertEqual([path.name for path in self.folder.iterdir()], [self.path.name])
        self.assertEqual(self.path.read_bytes(), b"as before")

    def test_values_in_every_format(self):
        for dtype, expected in (("F32", lambda x: x.astype("<f4")), ("F16", lambda x: x.astype("<f4").astype("<f2")),
                                ("BF16", to_bfloat16)):
            arrays = head()
            self.write(*arrays, dtype=dtype)
            header, data = read(self.path)
            self.assertEqual(header.pop("__metadata__"), {"model": "m"})
            self.assertEqual(sorted(header), ["l2.h0.k", "l2.h0.q", "l2.h0.v"])
            for letter, array in zip("qkv", arrays):
                entry = header[f"l2.h0.{letter}"]
                self.assertEqual((entry["dtype"], entry["shape"]), (dtype, list(array.shape)))
                begin, end = entry["data_offsets"]
                self.assertEqual(data[begin:end], np.ascontiguousarray(expected(array)).tobytes())

    def test_ties_of_bfloat16_go_to_the_even_number(self):
        bits = np.array([[0x3F808000, 0x3F818000, 0x3F808001, 0xBF818000]] * T, "<u4")
        self.write(np.ones((G, TQ, D)), bits.view("<f4"), np.ones((T, D)), dtype="BF16")
        header, data = read(self.path)
        begin = header["l2.h0.k"]["data_offsets"][0]
        self.assertEqual(np.frombuffer(data, "<u2", 4, begin).tolist(), [0x3F80, 0x3F82, 0x3F81, 0xBF82])

    def test_transposed_arrays_are_written_as_they_read(self):
        q, k, v = head()
        self.write(q, np.asfortranarray(k), v[::-1])
        header, data = read(self.path)
        for letter, array in (("k", k), ("v", v[::-1])):
            begin, end = header[f"l2.h0.{letter}"]["data_offsets"]
            self.assertEqual(data[begin:end], array.astype("<f4").tobytes())

    def test_no_gap_and_what_attention_is(self):
        self.write(*head(), sliding_window=3, softcap=50.0, sink_logits=[1.5, -2.0], cache_of="l0.h0", dtype="F16")
        header, data = read(self.path)
        self.assertEqual(header.pop("__metadata__"), {"model": "m", "l2.h0.sliding_window": "3", "l2.h0.softcap": "50.0",
                                                      "l2.h0.cache_of": "l0.h0"})
        self.assertEqual(header["l2.h0.sink_logits"]["dtype"], "F32")
        self.assertEqual(np.frombuffer(data, "<f4", 2, header["l2.h0.sink_logits"]["data_offsets"][0]).tolist(),
                         [1.5, -2.0])
        places = sorted(entry["data_offsets"] for entry in header.values())
        self.assertEqual([begin for begin, _ in places], [0, *[end for _, end in places[:-1]]])
        self.assertEqual(places[-1][1], len(data))

    def test_everybody_may_read_the_file(self):
        current = os.umask(0o022)
        try:
            self.write(*head())
            self.assertEqual(self.path.stat().st_mode & 0o777, 0o644)
        finally:
            os.umask(current)

    def test_refusals_leave_nothing_behind(self):
        q, k, v = head()
        self.refuse("a head is called", q, k, v, name="layer2")
        self.refuse("k has shape .5, 4., but .v has .5, 3.", q, k, v[:, :3])
        self.refuse("q has 3 channels", q[:, :, :3], k, v)
        self.refuse("q has 3 tokens, more than the 2", q, k[:2], v[:2])
        self.refuse(r"must be \[G, Tq, D\]", q[0], k, v)
        self.refuse("nothing empty", q, k[:0], v[:0])
        self.refuse("sink_logits has shape", q, k, v, sink_logits=[1.0])
        self.refuse("a sliding window has 1 token at least, not 0", q, k, v, sliding_window=0)
        self.refuse("a soft-cap is a positive number", q, k, v, softcap=-1.0)
        self.refuse("F16, BF16, F32, not 'F64'", q, k, v, dtype="F64")
        large = v.copy()
        large[3, 2] = 70000
        self.refuse("v has the value 70000, beyond F16's 65504", q, k, large, dtype="F16")
        large[3, 2] = 3.4e38
        self.refuse("beyond BF16's", q, k, large, dtype="BF16")
        for bad in (np.nan, np.inf):
            large[3, 2] = bad
            self.refuse(r"v is not finite at \[3, 2\]", q, k, large)

    def test_files_that_cannot_be(self):
        with self.assertRaisesRegex(InputError, "would hold no head"), WorkloadWriter(self.path):
            pass
        with self.assertRaisesRegex(InputError, "is a folder"):
            WorkloadWriter(self.folder)
        with self.assertRaisesRegex(InputError, "cannot be written: No such file"):
            WorkloadWriter(self.folder / "no/w.safetensors")
        with self.assertRaisesRegex(InputError, "is in the workload already"), WorkloadWriter(self.path) as writer:
            writer.add_head("l0.h0", *head())
            writer.add_head("l0.h0", *head())
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
