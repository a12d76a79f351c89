"""The container file: hadolint's rules, and what it promises about the image."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "deploy" / "container"
HADOLINT: Final = Path(sys.executable).with_name("hadolint")
"""From the development dependencies, so it is on every machine that runs the tests."""

LOOSE: Final = """\
FROM debian
COPY . /src
RUN cd /src && pip install .
USER root
ENTRYPOINT alcove-server
"""


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction with its arguments, comments and line breaks removed."""
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(kept))
    split = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name, rest) for name, rest in split]


def last_stage(text: str) -> list[tuple[str, str]]:
    """The instructions that make the image, from the last FROM on."""
    found = instructions(text)
    return found[max(at for at, (name, _) in enumerate(found) if name == "FROM") :]


def broken_promises(text: str) -> set[str]:
    """The promises that a container file does not keep."""
    every, image = instructions(text), last_stage(text)
    bases = [rest for name, rest in every if name == "ARG" and "_BASE=" in rest]
    stages = [rest for name, rest in every if name == "FROM"]
    copies = [rest for name, rest in every if name == "COPY"]
    client = [part for rest in copies for part in rest.split() if part.startswith("client_sdk")]
    programs = [rest for name, rest in image if name in {"ENTRYPOINT", "HEALTHCHECK"}]
    kept = {
        "pinned bases": len(bases) == len(stages)
        and all(re.search(r"@sha256:[0-9a-f]{64}$", base) for base in bases),
        "no client code": all(part.startswith("client_sdk/") for part in client)
        and set(client) <= {"client_sdk/pyproject.toml", "client_sdk/"}
        and all(rest.split()[0] not in {".", "./"} for rest in copies),
        "only the build's result": [rest for name, rest in image if name == "COPY"]
        == ["--from=build /relay /relay"],
        "an account without rights": ("USER", "10001:10001") in image,
        "no shell": not any(name == "RUN" for name, _ in image)
        and bool(programs)
        and all(re.search(r'\["/usr/bin/python3", .*\]$', program) for program in programs),
        "a health check": any(name == "HEALTHCHECK" for name, _ in image),
    }
    return {promise for promise, holds in kept.items() if not holds}


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(HADOLINT), "--failure-threshold", "style", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_hadolint_finds_nothing() -> None:
    done = hadolint(FOLDER / "Containerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_a_mistake(tmp_path: Path) -> None:
    loose = tmp_path / "Containerfile"
    loose.write_text(LOOSE)
    done = hadolint(loose)
    assert done.returncode != 0
    assert {"DL3003", "DL3006", "DL3002", "DL3025"} <= set(re.findall(r"DL\d+", done.stdout))


def test_the_image_keeps_its_promises() -> None:
    assert broken_promises((FOLDER / "Containerfile").read_text()) == set()


def test_a_broken_promise_would_be_found() -> None:
    assert broken_promises(LOOSE) == {
        "pinned bases",
        "no client code",
        "only the build's result",
        "an account without rights",
        "no shell",
        "a health check",
    }


@pytest.mark.parametrize(
    ("good", "bad", "promise"),
    [
        ("COPY server server", "COPY server client_sdk ./", "no client code"),
        ("USER 10001:10001", "USER 0", "an account without rights"),
        ("--from=build /relay", "--from=build /compiler", "only the build's result"),
        ("EXPOSE 8400", "RUN id", "no shell"),
    ],
)
def test_each_promise_is_told_apart(good: str, bad: str, promise: str) -> None:
    text = (FOLDER / "Containerfile").read_text()
    assert text.count(good) == 1
    assert broken_promises(text.replace(good, bad)) == {promise}


def test_the_context_holds_what_the_container_file_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    text = (FOLDER / "Containerfile").read_text()
    copied = {
        source
        for name, rest in instructions(text)
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert ignored[1] == "*"
    assert sent == copied
