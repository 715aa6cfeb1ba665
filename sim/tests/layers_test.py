#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Folders reach what they name in CMakeLists.txt, and nothing else: by include, by link, and upwards. The reference is the
one that matters: it judges the golden model.

    layers_test.py RELEASE_TREE SANITIZE_TREE
"""
import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LAYER = re.compile(r"^aqpim_(?:layer|folder)\(([\w/]+)(?: USES ([^)A-Z]+))?", re.M)
# One each that needs nothing else to be declared.
FUNCTIONS = {"sw/golden": "namespace aqpim::golden { std::int32_t e3m4(std::uint8_t byte); }\n"
                          "auto reached() { return aqpim::golden::e3m4(1); }\n",
             "sw/cache": "namespace aqpim::cache { int decode_minifloat(std::uint8_t byte); }\n"
                         "auto reached() { return aqpim::cache::decode_minifloat(1); }\n"}


def run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return result.returncode, result.stdout


def compiler_of(tree, folder, what):
    """The command that compiled a source of the folder, without its names, and then what."""
    for entry in json.loads((tree / "compile_commands.json").read_text()):
        source = Path(entry["file"])
        if source.parent == ROOT / folder and not source.stem.endswith(("_test", "_bench")):
            words = shlex.split(entry["command"])
            return [*words[:words.index("-o")], *what]
    raise AssertionError(f"{tree} compiles nothing of {folder}")


def includes(tree, folder, header):
    """Can a source of this folder include the header?"""
    code, text = run(compiler_of(tree, folder, ["-E", "-x", "c++", "-"]), cwd="/", input=f'#include "{header}"\n')
    missing = f"{header}: No such file or directory" in text
    assert missing == (code != 0), text
    return not missing


def links(tree, folder, function, scratch):
    """Can the library of this folder, linked to what it uses, call a function of that folder?"""
    target = f"linked_aqpim_{folder.replace('/', '_')}"
    source, made = scratch / "reach.cpp", scratch / "reach.o"
    source.write_text(f"#include <cstdint>\n{FUNCTIONS[function]}")
    code, text = run(compiler_of(tree, folder, ["-o", str(made), "-c", str(source)]))
    assert code == 0, text
    command = run(["ninja", "-C", str(tree), "-t", "commands", target])[1].splitlines()[-1]
    command = command.replace(f" -o linked/{target} ", f" {made} -o {scratch}/linked ")
    assert str(made) in command, command
    code, text = run(command, shell=True, cwd=tree)
    assert (code != 0) == ("undefined reference to `aqpim::" in text), text
    return code == 0


def configures(scratch, lines):
    script = scratch / "layers.cmake"
    script.write_text(f"set(PROJECT_SOURCE_DIR {ROOT})\nset(PROJECT_BINARY_DIR {scratch})\n"
                      f"include({ROOT}/sim/cmake/aqpim_layers.cmake)\n{lines}")
    return run(["cmake", "-P", str(script)])


def main():
    tree = ROOT / sys.argv[1]
    uses = {folder: set(used.split()) for folder, used in LAYER.findall((ROOT / "CMakeLists.txt").read_text())}
    assert "sw/golden" not in uses["sw/reference"] and len(uses) > 15, uses
    headers = {folder: header.relative_to(ROOT) for folder in uses for header in list((ROOT / folder).glob("*.h"))[:1]}
    headers |= {"sw/golden": "sw/golden/engine.h", "app": "app/commands.h"}
    for folder in ("sw/reference", "sw/golden", "sw/system", "tb/memory"):
        for other, header in headers.items():
            wanted = other == folder or other in uses[folder]
            assert includes(tree, folder, str(header)) == wanted, f"{folder} and {header}: not {wanted}"

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        assert not links(tree, "sw/reference", "sw/golden", scratch)
        assert links(tree, "sw/reference", "sw/cache", scratch)

        code, text = configures(scratch, "aqpim_folder(sw/golden)\naqpim_folder(tb/common USES sw/golden)\n")
        assert code == 0, text
        code, text = configures(scratch, "aqpim_folder(sw/golden USES tb/common)\naqpim_folder(tb/common)\n")
        assert code != 0 and "sw/golden may use folders that are declared before it, not tb/common" in " ".join(text.split()), text


if __name__ == "__main__":
    main()
