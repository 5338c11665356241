"""Places: how a side's environment is made, kept, and made anew; the installer is stood in for."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from speedproof.folders import ROOT
from speedproof.sides.installing import Unsupported
from speedproof.sides.places import AT_ONCE, MADE, place_of, places_of, places_or_reasons
from speedproof.sides.side import Side, parse_side


class Builder:
    """Stands in for pip: notes what it is told, makes the interpreter, and fails where it is to."""

    def __init__(self, fails: str = "") -> None:
        self.commands: list[Sequence[str]] = []
        self.fails = fails

    def __call__(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir(parents=True)
        status = 1 if self.fails and "install" in command else 0
        return subprocess.CompletedProcess(list(command), status, self.fails, "ERROR: ResolutionImpossible")


SIDE = Side("numpy<2", requirements=("numpy<2",))


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    builder = Builder()
    first, second = place_of(SIDE, tmp_path, builder), place_of(SIDE, tmp_path, builder)
    assert first.python == second.python and len(builder.commands) == 2
    assert "numpy<2" in builder.commands[1]


def test_what_a_killed_build_left_is_made_anew(tmp_path: Path) -> None:
    folder = place_of(SIDE, tmp_path, Builder()).python.parent.parent
    (folder / MADE).unlink()
    (folder / "half").touch()
    builder = Builder()
    place_of(SIDE, tmp_path, builder)
    assert builder.commands and not (folder / "half").exists() and (folder / MADE).exists()


def test_requirements_that_cannot_be_met_are_told_in_the_resolvers_words(tmp_path: Path) -> None:
    told = "Collecting a\nThe conflict is caused by:\n    a 1 depends on numpy<2\n    b 2 depends on numpy>=2\n\nTo fix"
    with pytest.raises(Unsupported, match="a 1 depends on numpy<2 b 2 depends on numpy>=2"):
        place_of(SIDE, tmp_path, Builder(told))
    # Nothing half made is taken for whole afterwards.
    builder = Builder()
    place_of(SIDE, tmp_path, builder)
    assert builder.commands


def test_what_the_tested_set_forbids_is_tried_with_torch_alone_held(tmp_path: Path) -> None:
    held: list[list[str]] = []

    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        ended = Builder()(command)
        if "--constraint" in command:
            held.append(Path(command[command.index("--constraint") + 1]).read_text().split())
            ended.returncode = int(len(held) == 1)
        return ended

    place_of(SIDE, tmp_path, run)
    assert len(held) == 2 and len(held[0]) > 100 and [line.split("==")[0] for line in held[1]] == ["torch"]


def test_a_side_without_requirements_needs_no_environment(tmp_path: Path) -> None:
    builder = Builder()
    place_of(parse_side(str(ROOT)), tmp_path, builder)
    assert not builder.commands and not (tmp_path / "environments").exists()


def test_a_commits_twins_are_put_where_no_other_file_is(tmp_path: Path) -> None:
    place = place_of(parse_side("HEAD"), tmp_path)
    assert sorted(path.name for path in place.tree.iterdir()) == ["impl_batched", "impl_sequential", MADE]


def silent(what: str, left: int) -> None:
    pass


def named(*names: str) -> list[Side]:
    return [Side(name, requirements=(name,)) for name in names]


def test_environments_are_made_two_at_a_time_and_no_more(tmp_path: Path) -> None:
    together, lock, most = threading.Barrier(AT_ONCE, timeout=30), threading.Lock(), [0]
    running = [0]

    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        if "venv" in command:
            return Builder()(command)
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait()
        with lock:
            running[0] -= 1
        return subprocess.CompletedProcess(list(command), 0, "", "")

    sides = named("numpy<1", "numpy<2", "numpy<3", "numpy<4")
    said: list[tuple[str, int]] = []
    found = places_or_reasons(sides, tmp_path, lambda what, left: said.append((what, left)), run)
    assert [getattr(place, "side", None) for place in found] == sides and most == [AT_ONCE]
    assert [left for _, left in said] == [4, 3, 2, 1, 0] and any("numpy<4 is done" in what for what, _ in said)


def test_a_side_that_cannot_be_had_is_a_reason_and_the_others_are_made(tmp_path: Path) -> None:
    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return Builder("conflict" if "numpy<2" in command else "")(command)

    first, second, third = places_or_reasons(named("numpy<1", "numpy<2", "numpy<3"), tmp_path, silent, run)
    assert isinstance(second, Unsupported) and "ResolutionImpossible" in str(second) and second.exit_status == 2
    assert not isinstance(first, Unsupported) and not isinstance(third, Unsupported)


def test_a_cache_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unsupported, match="SPEEDPROOF_CACHE names another"):
        places_of((SIDE, SIDE), tmp_path / "file", silent)


INSTALLER = """#!/bin/sh
# In the place of Python and of pip, which goes on for a while after its parent's death and writes at its end.
mkdir -p "$4/bin"
cat > "$4/bin/python" <<'end'
#!/bin/sh
folder=$(dirname "$(dirname "$0")")
touch "$folder.begun"
sleep 1
touch "$folder/late"
end
chmod +x "$4/bin/python"
"""
DRIVER = """
import sys
from pathlib import Path

from speedproof.sides import installing, places
from speedproof.sides.side import Side

if sys.argv[3] == "careless":
    places.run_clean = lambda held, command: installing.run_clean([], command)
sys.executable = sys.argv[2]
places.place_of(Side("numpy<2", requirements=("numpy<2",)), Path(sys.argv[1]))
"""


@pytest.mark.parametrize(("manner", "late"), [("careful", False), ("careless", True)])
def test_an_installer_that_outlives_its_driver_keeps_others_out(tmp_path: Path, manner: str, late: bool) -> None:
    """A driver is killed and its installer is not. Who comes next waits for it, and makes the environment anew."""
    installer, cache = tmp_path / "installer", tmp_path / "cache"
    installer.write_text(INSTALLER)
    installer.chmod(0o755)
    arguments = [sys.executable, "-c", DRIVER, str(cache), str(installer), manner]
    with subprocess.Popen(arguments, cwd=ROOT) as driver:
        while driver.poll() is None and not list(cache.glob("environments/*.begun")):
            time.sleep(0.02)
        driver.kill()
    folder = place_of(SIDE, cache, Builder()).python.parent.parent
    time.sleep(1.2)
    assert (folder / MADE).exists() and (folder / "late").exists() == late
