"""The arguments of the command line, and the choice of a mode."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

import click
from alcove_protocol import limits
from alcove_protocol.card import AgreementText
from alcove_protocol.ticket import PREFIX

from alcove.cli.agreement_file import read_agreement
from alcove.cli.invite_input import (
    INVITE,
    TICKET,
    Kind,
    from_lines,
    from_terminal,
    from_text,
)
from alcove.cli.json_commands import LINE_MAX
from alcove.cli.lines import Lines
from alcove.cli.rooms import RoomToEnter, RoomToJoin, RoomToOpen, RoomToResume, Route
from alcove.cli.stdio import complain
from alcove.errors import InvalidInput
from alcove.templates import TEMPLATES, template, template_source

_USAGE: Final = 2
_SECRET: Final = re.compile(rf"(#|{PREFIX})\S+")
_INVITE_VARIABLE: Final = "ALCOVE_INVITE"


def run(arguments: list[str]) -> int:
    """Do what `arguments` ask for and return the exit status. A mistake gives a sentence and 2."""
    try:
        result = cli.main(arguments, prog_name="alcove", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return _USAGE
    except click.ClickException as error:
        # The sentence names the mistake, but an invite or a ticket in the wrong place is a secret.
        sentence = _SECRET.sub(r"\1…", " ".join(error.format_message().split()))
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context else "alcove"
        complain(f"{sentence} Try `{command} --help`.")
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


def _language_of_environment() -> str:
    """Return the language that this terminal speaks, as a tag (BCP 47); empty if it names none."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name, ""):
            tag = re.split("[.@]", value)[0].replace("_", "-")
            return "" if tag in ("C", "POSIX") else tag
    return ""


def _socks(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """Return the proxy, which always looks names up: a look-up from here would tell the relay's."""
    if url is None:
        return None
    scheme, separator, rest = url.partition("://")
    kind = {"socks5": "socks5h", "socks4": "socks4a"}.get(scheme.lower(), scheme.lower())
    if kind not in ("socks5h", "socks4a") or not separator or not rest.strip("/"):
        # The sentence repeats nothing of the address: it may hold a password.
        raise click.UsageError("The proxy must be given as socks5://HOST:PORT.")
    return f"{kind}://{rest}"


_COMMON: Final = (
    click.option("--name", required=True, help="Your pseudonym, in this room only."),
    click.option(
        "--language",
        metavar="TAG",
        default=_language_of_environment,
        help="Your language, such as de, for ground rules in several; else the terminal's.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Events and commands as lines of JSON."),
    click.option(
        "--plain",
        is_flag=True,
        help="Plain lines instead of a full screen, for screen readers and small terminals. "
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


def _of_no_new_person(command: "click.decorators.FC") -> "click.decorators.FC":
    """The same without a name: a ticket has it."""
    for option in reversed(_COMMON[1:]):
        command = option(command)
    return command


@click.group(no_args_is_help=True)
@click.version_option(package_name="alcove", message="alcove %(version)s")
def cli() -> None:
    """Confidential group conversations. The relay in between sees only ciphertext."""


@cli.command("open")
@click.option("--relay", metavar="URL", required=True, help="Address of the relay.")
@click.option(
    "--title", required=True, help="Title of the room, shown to everyone who has the invite."
)
@click.option(
    "--agreement-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The ground rules that everybody accepts first: UTF-8 text, or a .toml with several "
    "languages, as `alcove template` prints.",
)
@click.option(
    "--template",
    "template_name",
    type=click.Choice(TEMPLATES),
    help="Ground rules for a common group, instead of a file.",
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
    "--contact",
    default="",
    help="Where people can write to you outside the room: shown to those who are not let in.",
)
@click.option(
    "--post-quantum",
    is_flag=True,
    help="Experimental: keep what is said secret from quantum computers to come. "
    "Everybody needs alcove[suites].",
)
@click.option(
    "--facilitators-start",
    metavar="N",
    type=int,
    default=1,
    show_default=True,
    help="How many facilitators must be there before others can post.",
)
@click.option(
    "--facilitators-stay",
    metavar="N",
    type=int,
    default=1,
    show_default=True,
    help="How many must be there after that.",
)
@_common
def _open(
    relay: str,
    title: str,
    agreement_file: Path | None,
    template_name: str | None,
    ttl: int,
    uses: int,
    contact: str,
    post_quantum: bool,
    facilitators_start: int,
    facilitators_stay: int,
    name: str,
    language: str,
    as_json: bool,
    plain: bool,
    proxy: str | None,
    ca_file: str | None,
) -> int:
    """Open a room and become its facilitator.

    Shows an invite to hand out. Everybody who comes by it waits until you let them in.
    """
    agreement = _agreement(agreement_file, template_name)
    route = Route(proxy, ca_file)
    wanted = RoomToOpen(
        relay,
        title,
        agreement,
        name,
        ttl,
        uses,
        route,
        post_quantum,
        facilitators_start,
        facilitators_stay,
        language,
        contact,
    )
    return _start(wanted, Lines(0, LINE_MAX), as_json, plain)


@cli.command("template")
@click.argument("name", required=False, type=click.Choice(TEMPLATES))
def _template(name: str | None) -> int:
    """Print the ground rules of a template, to be changed and given as --agreement-file.

    Keep the four sentences at its end, and change them to what is true of your group: how a
    member can be found and how not, when confidence may be broken, what cannot be prevented, whom
    to tell. Have each language read by a native speaker. Without NAME it lists all templates.
    """
    click.echo(template_source(name) if name else "\n".join(TEMPLATES), nl=not name)
    return 0


@cli.command("join")
@click.argument("invite", required=False, metavar="[INVITE|-]")
@click.option("--accept", is_flag=True, help="Accept the ground rules, whatever they say.")
@_common
def _join(
    invite: str | None,
    accept: bool,
    name: str,
    language: str,
    as_json: bool,
    plain: bool,
    proxy: str | None,
    ca_file: str | None,
) -> int:
    """Ask to be let into a room.

    INVITE is the link you were given. Everybody on this computer can see it among the running
    programs, and your shell keeps it in its history. To avoid that, give `-` and paste the link
    where it is asked for, or write it to standard input, or put it into $ALCOVE_INVITE. The link
    may have line breaks in it.
    """
    lines = Lines(0, LINE_MAX)
    link = _invite(invite, lines)
    route = Route(proxy, ca_file)
    wanted = RoomToJoin(name=name, accept=accept, route=route, invite=link, language=language)
    return _start(wanted, lines, as_json, plain)


@cli.command("resume")
@click.argument("stdin", metavar="-")
@_of_no_new_person
def _resume(
    stdin: str, language: str, as_json: bool, plain: bool, proxy: str | None, ca_file: str | None
) -> int:
    """Come back into a room by a ticket, as the same person.

    The ticket is asked for, or read from the first line of standard input, and never taken from an
    argument, which everybody on this computer could see. /ticket made it in the room, and it is
    good for some minutes after that program ended. All members are told.
    """
    if stdin != "-":
        raise click.UsageError("Give - and write the ticket to standard input.")
    lines = Lines(0, LINE_MAX)
    ticket = _typed(TICKET) if os.isatty(0) else _first(lines)
    wanted = RoomToResume(Route(proxy, ca_file), ticket, language)
    return _start(wanted, lines, as_json, plain)


def _start(wanted: RoomToEnter, lines: Lines, as_json: bool, plain: bool) -> int:
    # Imported here, because `--help` must not load the cryptography.
    from alcove.cli.modes import Mode, live

    full = os.isatty(0) and os.isatty(1) and os.environ.get("TERM") != "dumb"
    mode = Mode.JSON if as_json else Mode.PLAIN if plain or not full else Mode.SCREEN
    return asyncio.run(live(wanted, lines, mode))


def _agreement(file: Path | None, name: str | None) -> str | tuple[AgreementText, ...]:
    """Return the agreement that the arguments name: one file, or one template."""
    if (file is None) == (name is None):
        raise click.UsageError("Give either --agreement-file or --template.")
    try:
        return read_agreement(file) if file is not None else template(name or "")
    except InvalidInput as error:
        raise click.UsageError(error.text) from None


def _invite(given: str | None, lines: Lines) -> str:
    if given is None:
        # Removed, so that programs that this one starts do not inherit it.
        given = os.environ.pop(_INVITE_VARIABLE, "")
        if not given:
            raise click.UsageError(
                f"Give the invite, or - for standard input, or set ${_INVITE_VARIABLE}."
            )
    if given != "-":
        return from_text(INVITE, given)
    return _typed(INVITE) if os.isatty(0) else from_lines(INVITE, lines)


def _first(lines: Lines) -> str:
    line = lines.first()
    return line.decode("utf-8", "replace").strip() if isinstance(line, bytes) else ""


def _typed(kind: Kind) -> str:
    try:
        return from_terminal(kind, 0)
    except KeyboardInterrupt:
        raise click.Abort from None
