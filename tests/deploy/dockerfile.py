"""Reads a Dockerfile as far as ours goes; an instruction that it does not know is an error, never skipped."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_KNOWN = re.compile("ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|RUN|USER|VOLUME|WORKDIR")
_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_]+)\}|\$([A-Za-z_]+)")
_PAIR = re.compile(r'([A-Za-z_.-]+)=("(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword, its `--flags` and the rest, continuation lines joined."""

    keyword: str
    flags: Mapping[str, str]
    text: str

    def words(self) -> list[str]:
        """The arguments: of the JSON form as they are, of the other form split at spaces."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()

    def pairs(self) -> dict[str, str]:
        """The `KEY=value` pairs of ENV, ARG and LABEL."""
        return {key: value.strip('"') for key, value in _PAIR.findall(self.text)}


def parse(text: str) -> list[Instruction]:
    """The instructions in order. Raises ValueError on one that is not known here."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = []
    for line in re.sub(r"\\\n\s*", "", bare).splitlines():
        if not line.strip():
            continue
        keyword, _, rest = line.strip().partition(" ")
        if not _KNOWN.fullmatch(keyword):
            raise ValueError(f"the proof does not know the instruction {keyword}")
        flags = {}
        while flag := _FLAG.match(rest):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end() :]
        found.append(Instruction(keyword, flags, rest.strip()))
    return found


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Put the values of variables in. Raises KeyError where one is not set."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], text)
