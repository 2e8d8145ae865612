"""Which paths and processes of the machine are watched."""

from typing import Self

from pydantic import Field, model_validator

from lnwatch.fields import Duration, FilePath, Settings


class HostSettings(Settings):
    """`paths` are any that lie on the file systems in question; `processes` are names of programs
    (`bitcoind`), as `ps` shows them or as the file that was started is called."""

    paths: tuple[FilePath, ...] = Field(("/",), validate_default=True)
    processes: tuple[str, ...] = ()
    interval: Duration = Field("30s", validate_default=True)
    deadline: Duration = Field("10s", validate_default=True)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.interval < 1 or not 0 < self.deadline < self.interval:
            raise ValueError("`interval` is at least one second, and `deadline` shorter than it")
        for name, values in (("paths", self.paths), ("processes", self.processes)):
            if len(set(values)) != len(values):
                raise ValueError(f"`{name}` names one twice")
        if not all(name.strip() and "/" not in name for name in self.processes):
            raise ValueError("`processes` are names without a path: `bitcoind`")
        return self
