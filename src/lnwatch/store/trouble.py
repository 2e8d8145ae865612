"""What both backends say of the errors of their drivers."""

READERS = 3  # connections beside the writer's


def first_line(error: BaseException | None) -> str:
    """What a driver said, without the statement and the values that its other lines quote."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
