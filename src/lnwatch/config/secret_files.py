"""Secrets that stand in files of their own: given once, there, readable, and not by everybody."""

import stat
from collections.abc import Iterator
from pathlib import Path

from lnwatch.config.blocks import Block
from lnwatch.config.draft import Draft
from lnwatch.config.redaction import dotted, shown_path
from lnwatch.config.schema import SITE, credential_files, secret_files
from lnwatch.config.values import ConfigWarning, OriginKind
from lnwatch.credentials import world_readable
from lnwatch.errors import ConfigProblem
from lnwatch.fields import resolve_path

_OPEN = "can be read by everybody on this machine; `chmod o-r` keeps it to its owner and group"


def check(block: Block, draft: Draft) -> Iterator[ConfigProblem]:
    """What stands against the secret files that a block names.

    A key that is given twice is taken out of the block, so that nobody else stumbles over it.
    """
    for key, file_key in secret_files(block.settings):
        path = (*block.path, file_key)
        if block.raw.get(key) is not None and block.raw.get(file_key) is not None:
            first = draft.origin((*block.path, key))
            block.raw.pop(file_key)
            yield draft.problem(path, f"`{key}` as well (from {first})", "give one of the two")
        elif isinstance(named := block.raw.get(file_key), str):
            trouble = _trouble(named, draft.directory, may_lack=file_key in block.settings.written)
            if trouble is not None:
                yield draft.problem(path, shown_path(named), trouble)


def warnings(blocks: list[Block], draft: Draft) -> Iterator[ConfigWarning]:
    """A sentence for each file with a secret that everybody on the machine may read."""
    secrets = ((*block.path, key) for block in blocks for key, _ in secret_files(block.settings))
    inside = [dotted(path) for path in secrets if draft.origin(path).kind is OriginKind.FILE]
    if inside and draft.path is not None and world_readable(draft.path):
        yield ConfigWarning(f"{draft.path} holds a secret ({', '.join(inside)}) and {_OPEN}")
    for block in blocks:
        source = dotted(block.path) if block.path[:1] == (SITE,) else None
        for key in credential_files(block.settings):
            named = block.raw.get(key)
            if isinstance(named, str) and world_readable(file := resolve_path(named, draft.directory)):
                yield ConfigWarning(f"{file} ({dotted((*block.path, key))}) {_OPEN}", source)


def _trouble(named: str, directory: Path, *, may_lack: bool) -> str | None:
    """Why the file can't be used; None where it can, or where it `may_lack` and is not there."""
    try:
        path = resolve_path(named, directory)
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would make us wait
            return "it is no regular file"
        with path.open("rb") as file:
            return None if file.read(1) else "the file is empty"
    except ValueError as error:
        return str(error)
    except PermissionError:
        return "this user may not read it: mend its owner or mode, or run lnwatch as its group"
    except OSError as error:
        if may_lack and isinstance(error, FileNotFoundError):
            return None
        return f"it can't be read: {(error.strerror or 'unknown error').lower()}"
