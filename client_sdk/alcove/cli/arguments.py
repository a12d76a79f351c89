"""What stands on the command line, and which face is shown."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

import click
from alcove_protocol import limits

from alcove.cli.commands import LINE_MAX
from alcove.cli.lines import Lines, TooLong
from alcove.cli.rooms import Joining, Opening, Plan, Route
from alcove.cli.stdio import complain

_USAGE: Final = 2
_INVITE_VARIABLE: Final = "ALCOVE_INVITE"


def run(arguments: list[str]) -> int:
    """Do what `arguments` ask for; the exit status. Mistakes in them are one sentence and 2."""
    try:
        result = cli.main(arguments, prog_name="alcove", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _USAGE
    except click.ClickException as error:
        # What was mistaken is named, but an invite in the wrong place is still a secret.
        sentence = re.sub(r"#\S+", "#…", " ".join(error.format_message().split()))
        complain(f"{sentence} Try `alcove --help`.")
        return _USAGE
    except click.Abort:
        complain("interrupted before anything was sent.")
        return 1
    return result if isinstance(result, int) else 0


def _socks_of_environment() -> str | None:
    for name in ("ALL_PROXY", "all_proxy"):
        if (url := os.environ.get(name, "")).lower().startswith("socks"):
            return url
    return None


def _socks(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """The proxy, which always looks names up itself: a look-up from here would tell the relay's."""
    if url is None:
        return None
    scheme, separator, rest = url.partition("://")
    kind = {"socks5": "socks5h", "socks4": "socks4a"}.get(scheme.lower(), scheme.lower())
    if kind not in ("socks5h", "socks4a") or not separator or not rest.strip("/"):
        # Nothing of it is repeated: it may hold a password.
        raise click.UsageError("The proxy must be given as socks5://HOST:PORT.")
    return f"{kind}://{rest}"


_COMMON: Final = (
    click.option("--name", required=True, help="Your pseudonym, in this room only."),
    click.option("--json", "as_json", is_flag=True, help="Events and commands as lines of JSON."),
    click.option(
        "--plain",
        is_flag=True,
        help="Plain lines instead of a full screen. "
        "What is written stays in the terminal's history.",
    ),
    click.option(
        "--proxy",
        metavar="URL",
        default=_socks_of_environment,
        callback=_socks,
        help="SOCKS proxy, as socks5://HOST:PORT; else $ALL_PROXY if it is one.",
    ),
    click.option(
        "--ca-file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="Certificates of authorities to trust instead of the system's.",
    ),
)


def _common(command: "click.decorators.FC") -> "click.decorators.FC":
    for option in reversed(_COMMON):
        command = option(command)
    return command


@click.group(no_args_is_help=True)
@click.version_option(package_name="alcove", message="alcove %(version)s")
def cli() -> None:
    """Confidential group conversations. The relay in between sees only ciphertext."""


@cli.command("open")
@click.option("--relay", metavar="URL", required=True, help="Address of the relay.")
@click.option("--title", required=True, help="Title of the room, shown to who is invited.")
@click.option(
    "--agreement-file",
    metavar="FILE",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The ground rules that everybody accepts first, as UTF-8 text.",
)
@click.option(
    "--ttl",
    metavar="SECONDS",
    type=int,
    default=limits.TTL_DEFAULT,
    show_default=True,
    help="How long a message lives.",
)
@click.option(
    "--uses",
    metavar="N",
    type=int,
    default=limits.USES_DEFAULT,
    show_default=True,
    help="How many people the invite lets in.",
)
@click.option(
    "--post-quantum",
    is_flag=True,
    help="Experimental: keep what is said secret from quantum computers to come. "
    "Everybody needs alcove[suites].",
)
@_common
def _open(
    relay: str,
    title: str,
    agreement_file: Path,
    ttl: int,
    uses: int,
    post_quantum: bool,
    name: str,
    as_json: bool,
    plain: bool,
    proxy: str | None,
    ca_file: str | None,
) -> int:
    """Open a room and become its facilitator.

    Shows an invite to hand out. Everybody who comes by it waits until you let them in.
    """
    agreement = _agreement(agreement_file)
    route = Route(proxy, ca_file)
    plan = Opening(relay, title, agreement, name, ttl, uses, route, post_quantum)
    return _start(plan, Lines(0, LINE_MAX), as_json, plain)


@cli.command("join")
@click.argument("invite", required=False, metavar="[INVITE|-]")
@click.option("--accept", is_flag=True, help="Accept the agreement, whatever it says.")
@_common
def _join(
    invite: str | None,
    accept: bool,
    name: str,
    as_json: bool,
    plain: bool,
    proxy: str | None,
    ca_file: str | None,
) -> int:
    """Ask to be let into a room.

    INVITE is the link you were given. Everybody on this computer can see it among the running
    programs: to avoid that, give `-` and the link on the first line of standard input, or put it
    into $ALCOVE_INVITE.
    """
    lines = Lines(0, LINE_MAX)
    link = _invite(invite, lines)
    plan = Joining(name=name, accept=accept, route=Route(proxy, ca_file), invite=link)
    return _start(plan, lines, as_json, plain)


def _start(plan: Plan, lines: Lines, as_json: bool, plain: bool) -> int:
    # Only now: to ask for help must not load the cryptography.
    from alcove.cli.modes import Face, live

    full = os.isatty(0) and os.isatty(1) and os.environ.get("TERM") != "dumb"
    face = Face.JSON if as_json else Face.PLAIN if plain or not full else Face.SCREEN
    return asyncio.run(live(plan, lines, face))


def _agreement(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # Bounded: the file might be a device that never ends.
            data = file.read(2 * limits.AGREEMENT)
        text = data.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except OSError as error:
        raise click.UsageError(f"The agreement file cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError("The agreement file is not UTF-8 text.") from None
    if len(data) > limits.AGREEMENT:
        kib = limits.AGREEMENT // limits.KIB
        raise click.UsageError(f"The agreement is longer than {kib} KiB.")
    return text


def _invite(given: str | None, lines: Lines) -> str:
    if given is None:
        # Not left there for programs that this one might start.
        given = os.environ.pop(_INVITE_VARIABLE, "")
        if not given:
            raise click.UsageError(
                f"Give the invite, or - for standard input, or set ${_INVITE_VARIABLE}."
            )
    if given == "-":
        given = _first_line(lines)
    # Links that were copied from a narrow window come with line breaks; a link has none of its own.
    return "".join(given.split())


def _first_line(lines: Lines) -> str:
    if os.isatty(0):
        # Not shown: what is typed at a prompt stays in the terminal's history.
        return str(click.prompt("Paste the invite (it is not shown)", hide_input=True, err=True))
    line = lines.first()
    if line is None or isinstance(line, TooLong):
        return ""
    return line.decode("utf-8", "replace")
