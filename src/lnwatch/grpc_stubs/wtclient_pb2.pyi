from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatsResponse(_message.Message):
    __slots__ = ("num_backups", "num_pending_backups", "num_failed_backups", "num_sessions_acquired", "num_sessions_exhausted")
    NUM_BACKUPS_FIELD_NUMBER: _ClassVar[int]
    NUM_PENDING_BACKUPS_FIELD_NUMBER: _ClassVar[int]
    NUM_FAILED_BACKUPS_FIELD_NUMBER: _ClassVar[int]
    NUM_SESSIONS_ACQUIRED_FIELD_NUMBER: _ClassVar[int]
    NUM_SESSIONS_EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    num_backups: int
    num_pending_backups: int
    num_failed_backups: int
    num_sessions_acquired: int
    num_sessions_exhausted: int
    def __init__(self, num_backups: _Optional[int] = ..., num_pending_backups: _Optional[int] = ..., num_failed_backups: _Optional[int] = ..., num_sessions_acquired: _Optional[int] = ..., num_sessions_exhausted: _Optional[int] = ...) -> None: ...
