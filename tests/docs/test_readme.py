"""What the README opens with is so: its commands say what it shows."""

from pathlib import Path

from .pages import ROOT, Block, Reading, agrees

FILES = ("slow.py", "fast.py", "data.py", "fast.py")
"""What the README's blocks of Python are, in their order."""


def opening() -> str:
    """The README's first use, with a name for each file."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = text.partition("## Prove a rewrite")[2].partition("## What it was built on")[0]
    parts = text.split("```python\n")
    assert len(parts) == len(FILES) + 1
    named = (f"```{{code-block}} python\n:caption: {name}\n{part}" for name, part in zip(FILES, parts[1:], strict=True))
    return parts[0] + "".join(named)


def test_the_readme_shows_what_its_commands_say(tmp_path: Path) -> None:
    page, said_of = tmp_path / "README.md", []
    page.write_text(opening(), encoding="utf-8")

    def told(block: Block, command: str, expected: str, said: str) -> None:
        said_of.append(command)
        assert agrees(expected, said), f"{command}\n--- the README says\n{expected}--- but it was\n{said}"

    Reading(page, tmp_path, told).through()
    assert len(said_of) == 2
