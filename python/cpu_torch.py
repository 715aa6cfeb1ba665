# SPDX-License-Identifier: Apache-2.0
"""Makes torch's wheel of PyPI usable on a processor without the gigabytes of GPU libraries that it depends on.

    cpu_torch.py SITE_PACKAGES

The wheel, installed with --no-deps, cannot be imported: its libraries are linked to CUDA's. This puts a small stand-in
for each library that is missing where the wheel looks for it, which has the functions that the wheel's libraries want of
it; each returns an error. torch then sees no GPU. CUDA's runtime, 3 MB, is to be the real one (nvidia-cuda-runtime), for
torch asks it whether there is a GPU. Needs gcc, nm and readelf.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PLACE = Path("nvidia/cu13/lib")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Library:
    """What a shared library wants and has."""

    def __init__(self, path):
        dynamic = output_of("readelf", "--wide", "--dynamic", path)
        self.needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
        self.undefined, self.defined = set(), set()
        for line in output_of("nm", "--dynamic", path).splitlines():
            kind, symbol = line.split()[-2:]
            (self.undefined if kind in "Uw" else self.defined).add(symbol)
        # Library -> the versions that are wanted of it.
        self.versions = {}
        for part in output_of("readelf", "--wide", "--version-info", path).split("File: ")[1:]:
            self.versions.setdefault(part.split()[0], set()).update(re.findall(r"Name: (\S+)  Flags", part))


def stand_ins(packages):
    """Name of each library that is missing -> the version of its symbols, or None, and the symbols."""
    libraries = [Library(path) for path in sorted((packages / "torch/lib").glob("*.so*"))]
    there = {path.name for folder in ("torch", "nvidia") for path in (packages / folder).rglob("*.so*")}
    there |= set(re.findall(r"^\s*(\S+) \(", output_of("/sbin/ldconfig", "-p"), re.M))
    versions = {}
    for library in libraries:
        for name, wanted in library.versions.items():
            versions.setdefault(name, set()).update(wanted)
    undefined = set().union(*(library.undefined for library in libraries))
    defined = set().union(*(library.defined for library in libraries))
    # Nobody says which library these are of.
    unversioned = {symbol for symbol in undefined - {name.split("@")[0] for name in defined}
                   if re.match(r"(cu|nccl)", symbol) and "@" not in symbol}
    result = {}
    for name in sorted(set().union(*(library.needed for library in libraries)) - there):
        wanted = versions.get(name, {None})
        if len(wanted) != 1:
            raise SystemExit(f"{name} is wanted in several versions: {', '.join(sorted(wanted))}")
        version = next(iter(wanted))
        symbols = unversioned if version is None else {
            symbol.split("@")[0] for symbol in undefined if symbol.partition("@")[2] == version}
        result[name] = version, sorted(symbols)
    return result


def build(path, version, symbols):
    lines = []
    for symbol in symbols:
        text = re.search(r"String|Name", symbol)
        lines.append(f"void* {symbol}(void) {{ return (void*){chr(34) + 'no GPU library' + chr(34) if text else 1}; }}")
    with tempfile.TemporaryDirectory() as folder:
        source, versions = Path(folder) / "stand_in.c", Path(folder) / "versions"
        source.write_text("\n".join(lines) + "\n")
        versions.write_text(f"{version} {{ *; }};\n")
        script = [] if version is None else [f"-Wl,--version-script={versions}"]
        subprocess.run(["gcc", "-w", "-fno-builtin", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", *script, "-o", path,
                        source], check=True)


def main():
    packages = Path(sys.argv[1])
    (packages / PLACE).mkdir(parents=True, exist_ok=True)
    for name, (version, symbols) in stand_ins(packages).items():
        build(packages / PLACE / name, version, symbols)
    subprocess.run([packages.parents[2] / "bin/python", "-c",
                    "import torch; assert not torch.cuda.is_available(); print('torch', torch.__version__)"], check=True)


if __name__ == "__main__":
    main()
