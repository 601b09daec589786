"""README cannot rot: what it shows runs, and what can be run is shown."""

import re
from pathlib import Path

import pytest

from privacy.cli import COMMANDS
from privacy.sinks.video import VideoSink
from privacy.sources.synthetic import SyntheticSource
from privacy.sources.video import VideoSource

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_of_readme_masks_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = SyntheticSource(seconds=1)
    with VideoSink(tmp_path / "in.mp4", source.info) as sink:
        for frame in source:
            sink.write(frame)
    (script,) = blocks("python")

    exec(compile(script, "README.md", "exec"), {})  # noqa: S102 - our own README

    with VideoSource(tmp_path / "out.mp4") as masked:
        assert sum(1 for _ in masked) == 15


def test_readme_and_the_package_show_the_same_six_lines() -> None:
    import privacy  # noqa: PLC0415 - its docstring is the point

    (script,) = blocks("python")
    assert script.strip() in (privacy.__doc__ or "")
    assert len([line for line in script.splitlines() if line.strip()]) <= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown(command: str) -> None:
    assert f"privacy {command}" in README


def test_every_command_shown_exists() -> None:
    shown = re.findall(r"\.venv/bin/privacy ([a-z]+)", README)

    assert set(shown) <= set(COMMANDS)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize(
    "page", ["SECURITY.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in ROOT.glob("docs/*.md"))]
)
def test_every_link_of_the_other_pages_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text("utf-8"))

    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE))))
def test_every_make_target_shown_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
