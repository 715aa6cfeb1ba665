# SPDX-License-Identifier: Apache-2.0
"""Builds aqpim._core with CMake, in build/python-VERSION of the checkout; everything else stands in pyproject.toml."""
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CHECKOUT = Path(__file__).resolve().parent.parent


if not (CHECKOUT / "sim/build.sh").exists():
    raise SystemExit("aqpim is installed from a checkout of its repository: pip install CHECKOUT/python")


class BuildCore(build_ext):
    def build_extension(self, extension):
        tree = f"python-{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run(["sim/build.sh", tree, "-DAQPIM_PYTHON=ON", f"-DPython_EXECUTABLE={sys.executable}", "_core"],
                       cwd=CHECKOUT, check=True)
        built = max((CHECKOUT / "build" / tree).glob("_core.*.so"), key=lambda path: path.stat().st_mtime)
        target = Path(self.get_ext_fullpath(extension.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built, target)


# What setuptools makes on its way lands where everything does that is built.
WAY = CHECKOUT / "build/setuptools"
WAY.mkdir(parents=True, exist_ok=True)
setup(options={"build": {"build_base": str(WAY)}, "egg_info": {"egg_base": str(WAY)}},
      ext_modules=[Extension("aqpim._core", sources=[])], cmdclass={"build_ext": BuildCore})
