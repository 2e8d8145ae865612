"""`lnwatch alerts build`: the alerts for Prometheus, and an example for Alertmanager, from the catalogue of rules."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, get_args

import typer
from pydantic import ValidationError

from lnwatch.cli.options import ConfigFile, absolute, help_alone
from lnwatch.cli.output import complain, say
from lnwatch.cli.shell import MEND
from lnwatch.config import load
from lnwatch.errors import LnwatchError
from lnwatch.files import write_file
from lnwatch.model.message import Pager
from lnwatch.web.settings import WebSettings

app = typer.Typer(help="The alerts for Prometheus.", rich_markup_mode=None, invoke_without_command=True)
app.callback()(help_alone)

_DEFAULT = "alerts"


def _pager(text: str) -> Pager:
    for pager in get_args(Pager):
        if text == pager:
            return pager  # type: ignore[no-any-return]  # get_args forgets the type
    raise typer.BadParameter(f"there are {' and '.join(get_args(Pager))}")


def _public_url(text: str) -> str:
    try:
        return WebSettings(public_url=text).link_base
    except ValidationError as error:
        raise typer.BadParameter(str(error.errors()[0]["ctx"]["error"])) from error


@app.command()
def build(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", parser=absolute, metavar="DIR", help="Otherwise ./alerts.")
    ] = None,
    paging: Annotated[
        Pager | None,
        typer.Option(parser=_pager, metavar="|".join(get_args(Pager)), help="Otherwise `routing.paging`."),
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(parser=_public_url, metavar="URL", help="Otherwise `web.public_url`.")
    ] = None,
    config: ConfigFile = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 where a file is not as it was built.")
    ] = False,
) -> None:
    """Write the alerts, their tests and an example for Alertmanager.

    With `--paging` and `--public-url` no configuration is read. Prometheus takes `*.rules.yml`.
    """
    from lnwatch.exporter.alerts import alert_files  # noqa: PLC0415 - the exporter, which the other verbs do without

    folder = output or absolute(_DEFAULT)
    files = alert_files(*_terms(paging, public_url, config))
    if check:
        old = list(_outdated(folder, files))
        complain(*(f"{path} is not as it was built: run `lnwatch alerts build`" for path in old))
        if old:
            raise typer.Exit(MEND)
        say(f"{folder} is up to date")
        return
    for name, text in files.items():
        _folder_of(folder / name)
        write_file(folder / name, text)
    say(f"wrote {len(files)} files to {folder}")


def _terms(paging: Pager | None, public_url: str | None, config: Path | None) -> tuple[Pager, str]:
    if paging is not None and public_url is not None:
        return paging, public_url
    loaded = load(config, os.environ)
    return paging or loaded.routing.paging, public_url or loaded.web.link_base


def _outdated(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    for name, text in files.items():
        try:
            found = (folder / name).read_bytes()
        except FileNotFoundError:
            found = b""
        except OSError as error:
            raise LnwatchError(f"can't read {folder / name}: {error.strerror}") from error
        if found != text.encode():
            yield folder / name


def _folder_of(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LnwatchError(f"can't make the folder {path.parent}: {error.strerror}") from error
