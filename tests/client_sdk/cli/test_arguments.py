"""Mistakes on the command line: one sentence, status 2, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alcove.cli.agreement_file import read_agreement
from alcove.cli.arguments import _language_of_environment
from alcove.cli.arguments import run as cli_run
from alcove.templates import TEMPLATES, template

from tests.client_sdk.cli.fake_room import INVITE
from tests.client_sdk.cli.process import FAKE, ROOT, WITHIN

OPEN = ("open", "--relay", "http://127.0.0.1:1", "--title", "T", "--name", "Mara")
AGREEMENT = str(ROOT / "tests" / "client_sdk" / "cli" / "agreement.txt")


def run(
    *arguments: str, code: str | None = None, **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    program = ("-c", code) if code else (*FAKE, "open")
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WITHIN,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("dance",),
        ("open",),
        ("open", "--nonsense"),
        OPEN,
        (*OPEN, "--template", "knitting"),
        (*OPEN, "--template", "grief", "--agreement-file", AGREEMENT),
        ("template", "knitting"),
        (*OPEN, "--agreement-file", "/nonexistent/agreement"),
        (*OPEN, "--agreement-file", "/"),
        (*OPEN, "--agreement-file", "/dev/zero"),
        (*OPEN, "--agreement-file", sys.executable),
        (*OPEN, "--agreement-file", AGREEMENT, "--ttl", "soon"),
        (*OPEN, "--agreement-file", AGREEMENT, "--ca-file", "/nonexistent/ca"),
        (*OPEN, "--agreement-file", AGREEMENT, "--proxy", "nonsense"),
        (*OPEN, "--agreement-file", AGREEMENT, "--proxy", "http://a:1"),
        (*OPEN, "--agreement-file", AGREEMENT, "--proxy", "socks5://"),
        ("join", "--name", "Robin"),
        ("join", INVITE),
        ("join", INVITE, INVITE, "--name", "Robin"),
        (INVITE,),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli_run(list(arguments)) == 2
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert stderr.startswith("alcove: ")
    assert stderr.count("\n") == 1
    assert INVITE.partition("#")[2] not in stderr


def test_a_mistake_names_the_help_of_its_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli_run(["open"]) == 2
    assert capfd.readouterr().err.endswith("Try `alcove open --help`.\n")


def test_no_arguments_show_the_help() -> None:
    done = run()
    assert done.returncode == 2
    assert b"Usage" in done.stderr


def test_help_loads_no_user_interface() -> None:
    code = (
        "import sys; from alcove.cli.arguments import run; status = run(['open', '--help']);"
        "sys.exit(status or 10 * ('textual' in sys.modules or 'rich' in sys.modules))"
    )
    done = run(code=code)
    assert done.returncode == 0, done.stderr
    assert b"--agreement-file" in done.stdout


def test_an_unforeseen_error_is_one_sentence() -> None:
    code = (
        "import sys; from alcove.cli import main, arguments\n"
        "def run(arguments): secret = 'canary'; raise RuntimeError(secret)\n"
        "arguments.run = run\nmain()"
    )
    done = run(code=code)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"canary" not in done.stderr
    assert b"canary" in run(code=code, ALCOVE_DEBUG="1").stderr


def route(*arguments: str, **environment: str) -> str:
    """The way to the relay that a command line ends up with."""
    code = (
        "import sys; from alcove.cli import main, rooms\n"
        "def make(wanted):\n"
        "    print(wanted, f'proxy={wanted.route.proxy!r}', file=sys.stderr); sys.exit(0)\n"
        "rooms.make_room = make\nmain()"
    )
    line = ("join", "-", "--name", "Robin", "--accept", *arguments)
    return run(*line, code=code, **environment).stderr.decode()


def test_the_proxy_is_the_one_given_or_that_of_the_environment() -> None:
    assert "proxy=None" in route(ALL_PROXY="", all_proxy="")
    # Always the kind that looks names up at the proxy.
    assert "proxy='socks5h://a:1'" in route(ALL_PROXY="socks5://a:1")
    assert "proxy=None" in route(ALL_PROXY="http://a:1", all_proxy="")
    given = route("--proxy", "socks5h://b:2", "--ca-file", AGREEMENT, ALL_PROXY="socks5://a:1")
    assert "proxy='socks5h://b:2'" in given
    assert f"ca_file='{AGREEMENT}'" in given


def test_the_repr_of_a_room_to_join_hides_the_invite() -> None:
    assert INVITE not in route(ALCOVE_INVITE=INVITE)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(closed: str) -> None:
    """Nothing that is opened later may stand where standard output was."""
    line = f'exec "$@" {closed}'
    program = (sys.executable, *FAKE, "lost", *OPEN, "--agreement-file", AGREEMENT, "--json")
    done = subprocess.run(
        ["sh", "-c", line, "sh", *program],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    if closed in ("<&-", "2>&-"):
        assert done.stdout.endswith(b"}\n")
        assert b"alcove:" not in done.stdout


def test_a_template_is_printed_so_that_it_can_be_changed_and_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli_run(["template"]) == 0
    assert capfd.readouterr().out.split() == list(TEMPLATES)
    assert cli_run(["template", "grief"]) == 0
    file = tmp_path / "ours.toml"
    file.write_text(capfd.readouterr().out, "utf-8")
    assert read_agreement(file) == template("grief")


def test_the_language_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert _language_of_environment() == ""
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    assert _language_of_environment() == "pt-BR"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert _language_of_environment() == ""
