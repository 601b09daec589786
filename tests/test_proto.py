"""The contract: what is generated is what is written, and the style holds."""

import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "proto" / "privacy" / "v1").glob("*.proto"))

needs_protoc = pytest.mark.skipif(util.find_spec("grpc_tools") is None, reason="grpcio-tools is not installed")


def run(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_protoc
def test_the_generated_modules_hold_what_the_files_say(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'proto')!r}); import generate; from pathlib import Path"
    run("-c", f"{code}; generate.image(Path({str(tmp_path / 'image')!r}))")
    modules = [import_module(f"privacy.v1.{file.stem}_pb2") for file in FILES]  # first: they register the extensions
    written = {file.name: file for file in FileDescriptorSet.FromString((tmp_path / "image").read_bytes()).file}

    assert len(FILES) == 7
    for file, module in zip(FILES, modules, strict=True):
        generated = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        expected = written[f"privacy/v1/{file.name}"]
        expected.ClearField("source_code_info")
        for descriptor in (generated, expected):  # protoc fills these in for one output and not for the other
            for message in descriptor.message_type:
                _drop_json_names(message)
        assert generated == expected, file.name


def _drop_json_names(message: object) -> None:
    for field in message.field:  # type: ignore[attr-defined]
        field.ClearField("json_name")
    for nested in message.nested_type:  # type: ignore[attr-defined]
        _drop_json_names(nested)


@needs_protoc
def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    if util.find_spec("mypy_protobuf") is None:
        pytest.skip("mypy-protobuf is not installed")
    run(ROOT / "proto" / "generate.py", "--out", tmp_path)
    if (tmp_path / "privacy/v1/__init__.py").read_text() != (ROOT / "privacy/v1/__init__.py").read_text():
        pytest.skip("another version of grpcio-tools made the files in the repository")

    for package in ("privacy/v1", "privacy/inference"):
        made, kept = tmp_path / package, ROOT / package
        assert {path.name for path in made.iterdir()} == {path.name for path in kept.iterdir() if path.is_file()}
        for path in made.iterdir():
            assert path.read_text() == (kept / path.name).read_text(), path.name


@needs_protoc
def test_the_style_holds_and_no_promise_is_broken() -> None:
    if util.find_spec("buf") is None and not (Path(sys.executable).parent / "buf").exists():
        pytest.skip("buf-bin is not installed")
    run(ROOT / "proto" / "lint.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_enum_begins_with_a_value_that_means_nothing(file: Path) -> None:
    module = import_module(f"privacy.v1.{file.stem}_pb2")

    for enum in module.DESCRIPTOR.enum_types_by_name.values():
        assert enum.values_by_number[0].name.endswith("_UNSPECIFIED")
