"""The command `alcove-server`, which `__main__` begins. Every mistake is one sentence and an exit
status: 2 for a wrong command line or setting, 1 for a failure."""

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from alcove_server import __version__
from alcove_server.process import hardening, preflight, signals
from alcove_server.process.parts import part_of
from alcove_server.settings import Settings

USAGE_ERROR = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="alcove-server",
        description="Alcove's relay: orders, keeps and forgets ciphertext it cannot read.",
        epilog="Each setting can also be given in the environment or in the file: --log-level is "
        "ALCOVE_LOG_LEVEL there and log_level here. A flag wins over both, the environment over "
        "the file.",
        allow_abbrev=False,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34, width=110),
    )
    parser.add_argument("--version", action="version", version=f"alcove-server {__version__}")
    parser.add_argument("--config", metavar="FILE", help="a TOML file with settings")
    parser.add_argument("--check-config", action="store_true", help="check the settings and exit")
    for name, field in Settings.model_fields.items():
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        shown = f" ({default})" if default != "" else ""
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{field.description}{shown}"
        )
    return parser


def load(arguments: list[str]) -> tuple[Settings, bool]:
    """The settings, and whether only to check them. Raises `ValueError` with one sentence."""
    given = vars(_parser().parse_args(arguments))
    file, check = given.pop("config"), bool(given.pop("check_config"))
    flags = {name: value for name, value in given.items() if value is not None}
    in_file = _read(file) if file is not None else {}
    try:
        # The environment stands between the file and the flags.
        from_environment = Settings().model_fields_set
        merged = {name: value for name, value in in_file.items() if name not in from_environment}
        return Settings(**{**merged, **flags}), check
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        reason = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{name.replace('_', '-')}: {reason}") from None


def _read(file: str) -> dict[str, Any]:  # any TOML; `Settings` checks it
    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ValueError(f"{file} is not a TOML file") from None


def main() -> int:
    """Run the relay until a signal says stop. Return the exit status."""
    hardening.open_standard_streams()
    try:
        signals.stop_at_once()
        return run(sys.argv[1:])
    except KeyboardInterrupt:  # a signal before the relay was ready: there was nothing to stop
        return 0


def run(arguments: list[str]) -> int:
    """Run the whole command; return its exit status."""
    try:
        settings, check = load(arguments)
        tls = preflight.check(part_of(settings, 1))
    except ValueError as error:
        print(f"alcove-server: {error}", file=sys.stderr)
        return USAGE_ERROR
    if check:
        print("the settings are good")
        return 0
    # Imported late, so that a mistake in the settings is told before a server is loaded.
    import uvloop

    from alcove_server.process import serving
    from alcove_server.store.values import UnfitStore

    serving.configure_logging(settings)
    hardening.forbid_core_dumps()
    if settings.workers > 1:
        return _with_workers(settings)
    where = f"{settings.host} port {settings.port}"
    try:
        listener = serving.listen(settings)
        where = settings.management
        management = serving.listen_for_health(settings)
    except OSError as error:
        print(f"alcove-server: cannot listen on {where}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        uvloop.run(serving.serve(settings, listener, tls, management))
    except UnfitStore as error:
        print(f"alcove-server: {error}", file=sys.stderr)
        return 1
    return 0


def _with_workers(settings: Settings) -> int:
    import uvloop

    from alcove_server.process import workers

    try:
        return uvloop.run(workers.serve(settings))
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        print(f"alcove-server: cannot listen on {where}: {error.strerror}", file=sys.stderr)
        return 1
