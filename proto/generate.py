#!/usr/bin/env python
"""Generates the packages of `PACKAGES` from proto/; `--out DIR` writes elsewhere, for the test that compares."""

import argparse
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path

import google.longrunning
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PACKAGE = "privacy/v1"
PACKAGES = (PACKAGE, "privacy/inference")
NOTE = '"""Generated from proto/ by proto/generate.py with grpcio-tools {version}; never edited."""\n'


def sources(root: Path = HERE) -> list[str]:
    """Return the .proto files, relative to `root`."""
    return sorted(str(path.relative_to(root)) for package in PACKAGES for path in root.glob(f"{package}/*.proto"))


@contextmanager
def google_protos() -> Iterator[list[Path]]:
    """Yield the folders where the imported google files lie, under the names that every other language knows them by.

    The Python package ships operations.proto as operations_proto.proto, though it registers it as operations.proto.
    """
    longrunning = Path(next(iter(google.longrunning.__path__)))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "google" / "longrunning"
        target.mkdir(parents=True)
        shutil.copy(longrunning / "operations_proto.proto", target / "operations.proto")
        well_known = Path(str(resources.files("grpc_tools") / "_proto"))
        yield [Path(folder), longrunning.parent.parent, well_known]


def run(options: list[str], root: Path = HERE) -> None:
    """Run protoc over the files below `root`.

    Raises:
        SystemExit: protoc refused.
    """
    with google_protos() as imports:
        includes = [f"-I{folder}" for folder in (root, *imports)]
        if protoc.main(["protoc", *includes, *options, *sources(root)]) != 0:
            sys.exit("protoc failed")


def image(target: Path, root: Path = HERE) -> None:
    """Write a descriptor set of everything, imports and comments included, which is what buf calls an image."""
    run(["--include_imports", "--include_source_info", f"--descriptor_set_out={target}"], root)


def generate(out: Path) -> None:
    """Write the Python modules and their stubs to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    scripts = Path(sysconfig.get_path("scripts"))
    run(
        [
            f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
            f"--python_out={out}",
            f"--mypy_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_grpc_out={out}",
        ]
    )
    for package in PACKAGES:
        (out / package / "__init__.py").write_text(NOTE.format(version=metadata.version("grpcio-tools")), "utf-8")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=HERE.parent, help="Root that gets the packages; default: the repository."
    )
    generate(parser.parse_args().out)


if __name__ == "__main__":
    main()
