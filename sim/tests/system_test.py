#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""aqpim system: its files, the region of the paper's claim, and models and nodes that are not legal."""
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
AQPIM = str(Path(sys.argv[1]).resolve() / "aqpim")
passed = failed = 0


def check(name, holds, seen=""):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print(f"FAILED: {name}\n{seen}")


def run(*options):
    return subprocess.run([AQPIM, "system", *options], capture_output=True, text=True, check=False)


def refused(name, sentence, *options):
    done = run(*options)
    check(name, done.returncode == 2 and done.stderr.startswith("aqpim: ") and done.stderr.count("\n") == 1
          and sentence in done.stderr and not done.stdout, done.stderr)


with tempfile.TemporaryDirectory() as folder:
    out = Path(folder) / "all"
    done = run("--out", str(out))
    check("exit code 0", done.returncode == 0, done.stderr)
    with (out / "system.csv").open() as file:
        rows = list(csv.DictReader(file))
    check("7 models, 9 batches, 8 contexts, 4 designs", len(rows) == 7 * 9 * 8 * 4, len(rows))
    check("columns", list(rows[0])[:9] == ["model", "node", "design", "batch", "context", "link_share", "step_ms",
                                          "tokens_per_s", "j_per_token"], list(rows[0]))
    objects = json.loads((out / "system.json").read_text())
    check("JSON has the rows of the CSV", len(objects) == len(rows) and list(objects[0])[:len(rows[0])] == list(rows[0])
          and all(f"{new['step_ms']:.6g}" == old["step_ms"] for new, old in zip(objects, rows)))
    check("all files", {path.name for path in out.iterdir()}
          == {"system.csv", "system.json", "system.md", "system.png", "report.html"}, os.listdir(out))
    shares = {(row["model"], row["batch"], row["context"], row["design"]): float(row["link_share"]) for row in rows}
    claimed = [key for key, share in shares.items() if key[3] in ("gpu", "attacc") and 0.90 <= share <= 0.985]
    mended = [key for key in claimed if shares[(*key[:3], "pq4-w256-2")] == 0.0]
    check("the claimed region is there, and codes fit in it", mended, claimed)
    for row in rows[:40]:
        terms = sum(float(row[name]) for name in ("weights_ms", "attention_ms", "transfers_ms", "reduction_ms", "link_ms"))
        check("without overlap, terms add up", abs(terms - float(row["step_ms"])) < 1e-4 * terms, row)

    good = json.loads((ROOT / "configs/model/llama-3-8b.json").read_text())
    mine = Path(folder) / "mine.json"
    for change, sentence in (({"layers": 0}, "model mine: layers is 0, allowed are 1 to 4096"),
                             ({"kv_heads": 5}, "32 query heads cannot share 5 kv_heads evenly"),
                             ({"description": 7}, "model mine: description must be a string"),
                             ({"hiden": 1}, "hiden")):
        mine.write_text(json.dumps(good | change))
        refused(f"model with {change}", sentence, "--model", str(mine), "--out", str(Path(folder) / "no"))
    del good["source"]
    mine.write_text(json.dumps(good))
    refused("model without its source", 'lacks the key "source"', "--model", str(mine))
    refused("no such model", "there is no model", "--model", "llama")
    refused("no such node", "there is no node", "--node", "tpu")
    refused("context 0", "0", "--context", "0")
    refused("design without banks", "CONFIGURATION-BANKS", "--design", "pq4")
    refused("design of one-bank words", "two banks per engine need", "--design", "pq4-2", "--model", "llama-3-8b")
    check("nothing is written for bad input", not (Path(folder) / "no").exists())

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
