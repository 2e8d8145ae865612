"""The shape of the house: who may import whom, how large a thing may grow, where time comes from."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "lnwatch"
GENERATED = "grpc_stubs"

FOUNDATION = frozenset({"clock", "credentials", "discover", "errors", "fields", "files", "log", "net", "redaction"})
PURE = frozenset({"model", "domain", "rules", "automations"})
IN = frozenset({"sources", "store"})
OUT = frozenset({"exporter", "notify", "web", "reports", "executor"})
ENGINE = frozenset(
    {"caseload", "checkups", "collect", "desk", "engine", "intake", "measures", "orderbook", "schedule", "selfwatch"}
    | {"target"}
)

# What each room may import besides itself, from the ground up. Rooms of one floor are not in each other's lists.
ALLOWED: Mapping[str, frozenset[str]] = {
    "model": frozenset(),
    GENERATED: frozenset(),
    **dict.fromkeys(FOUNDATION, FOUNDATION | {"model"}),
    "domain": frozenset({"model"}),
    **dict.fromkeys(("rules", "automations"), frozenset({"model", "domain"})),
    "sources": FOUNDATION | {"model", GENERATED},
    "store": FOUNDATION | {"model"},
    **dict.fromkeys(OUT, FOUNDATION | PURE | IN),
    "executor": FOUNDATION | PURE | IN | {GENERATED},  # its hands speak to a node as a source does
    "config": FOUNDATION | PURE | IN | OUT,
    **dict.fromkeys(ENGINE, FOUNDATION | PURE | IN | OUT | ENGINE),
    # Doubles know the real systems by their reference alone, never by what our own clients send.
    "simulator": FOUNDATION | {"model", GENERATED},
    "app": FOUNDATION | PURE | IN | OUT | ENGINE | {"config"},
    "cli": FOUNDATION | PURE | IN | OUT | ENGINE | {"config", "app", "simulator"},
    "__main__": frozenset({"cli"}),
}
# The door is for those who go out, and for those who put the house together.
THROUGH_THE_DOOR = frozenset({"net", "sources", "notify", "executor", "config", "app", "cli"})
SIMULATING = frozenset({"simulator", "cli.demo", "cli.simulate"})

IMPURE = frozenset({"asyncio", "time", "os", "httpx", "grpc", "sqlalchemy", "structlog"})
CLOCKS = frozenset(
    {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.sleep"}
    | {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
)

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


@dataclass(frozen=True)
class Module:
    """A file that was parsed; `name` is dotted, below `lnwatch` for our own source."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        parts = self.path.relative_to(SOURCE).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    def at(self, node: ast.stmt | ast.expr | int) -> str:
        """Where to look."""
        line = node if isinstance(node, int) else node.lineno
        return f"{self.path.relative_to(ROOT)}:{line}"


def read(folder: Path) -> list[Module]:
    """Every module below a folder, generated ones aside."""
    paths = sorted(path for path in folder.rglob("*.py") if GENERATED not in path.parts)
    texts = [(path, path.read_text()) for path in paths]
    return [Module(path, ast.parse(text, str(path)), text.count("\n")) for path, text in texts]


SOURCES = read(SOURCE)
TESTS = read(ROOT / "tests")
EVERYTHING = [*SOURCES, *TESTS, *read(ROOT / "bench"), *read(ROOT / "dashboards")]


def imports(module: Module) -> Iterator[tuple[str, str]]:
    """Dotted name and place of everything that a module imports, inside functions as well."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, module.at(node)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.at(node)}: a relative import hides its direction"
            base = node.module or ""
            yield from ((f"{base}.{alias.name}", module.at(node)) for alias in node.names)


def own(module: Module) -> Iterator[tuple[str, str]]:
    """The same for our own rooms alone, without the leading `lnwatch.`."""
    for name, place in imports(module):
        head, _, rest = name.partition(".")
        if head == "lnwatch" and rest and not rest.startswith("__version__"):
            yield rest, place


def report(violations: list[str]) -> None:
    """Every violation, one a line."""
    if violations:
        pytest.fail("\n" + "\n".join(sorted(violations)), pytrace=False)


def test_every_room_stands_on_a_floor() -> None:
    """A new room is given its place here before it is used."""
    unknown = sorted({module.room for module in SOURCES} - set(ALLOWED) - {""})
    report([f"src/lnwatch/{room} is on no floor: add it to ALLOWED, with what it may import" for room in unknown])


def test_imports_point_one_way() -> None:
    """No room imports one above it, or a sibling."""
    report(
        [
            f"{place}: `{module.room}` must not import `{name.partition('.')[0]}`"
            for module in SOURCES
            for name, place in own(module)
            if (room := name.partition(".")[0]) != module.room and room not in ALLOWED.get(module.room, frozenset())
        ]
    )


def test_the_floors_themselves_point_one_way() -> None:
    """The table of floors has no way round, the foundation and the engine's own modules aside."""
    houses = {**dict.fromkeys(FOUNDATION, "foundation"), **dict.fromkeys(ENGINE, "engine")}

    def below(room: str, seen: tuple[str, ...] = ()) -> None:
        assert room not in seen, f"a way round: {' -> '.join((*seen, room))}"
        for other in ALLOWED[room]:
            if houses.get(other, other) != houses.get(room, room):
                below(other, (*seen, room))

    for room in ("__main__", "simulator"):
        below(room)


def test_the_pure_ring_is_pure() -> None:
    """Model, domain, rules and automations use the standard library alone, and nothing of it that acts or waits."""
    report(
        [
            f"{place}: `{module.room}` is pure and must not import `{name}`"
            for module in SOURCES
            if module.room in PURE
            for name, place in imports(module)
            if (root := name.partition(".")[0]) != "lnwatch" and (root in IMPURE or root not in sys.stdlib_module_names)
        ]
    )


def test_one_door_to_the_network() -> None:
    """Clients come from `net`, and only those who go out get them there."""
    report(
        [
            f"{place}: `{module.room}` must not reach for `net`"
            for module in SOURCES
            if module.room not in THROUGH_THE_DOOR
            for name, place in own(module)
            if name.partition(".")[0] == "net"
        ]
    )


def test_the_simulator_is_no_part_of_the_daemon() -> None:
    """Only tests, benchmarks and the commands `demo` and `simulate` know the simulator."""
    report(
        [
            f"{place}: `{module.name}` must not import the simulator"
            for module in SOURCES
            if module.room not in SIMULATING and module.name not in SIMULATING
            for name, place in own(module)
            if name.partition(".")[0] == "simulator"
        ]
    )


def test_time_comes_from_the_clock() -> None:
    """Nobody but `clock.py` asks the machine for the time."""
    report(
        [
            f"{module.at(node)}: `{ast.unparse(node)}`: ask the Clock that was passed in"
            for module in SOURCES
            if module.name != "clock"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS
        ]
    )


def test_waiting_is_on_the_clock() -> None:
    """Nobody but `clock.py` waits by the machine's time; giving way (`sleep(0)`) and doubles on sockets aside."""
    report(
        [
            f"{module.at(node)}: `{ast.unparse(node)}`: wait on the Clock that was passed in"
            for module in SOURCES
            if module.name != "clock" and module.room != "simulator"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.sleep"
            if ast.unparse(node) != "asyncio.sleep(0)"
        ]
    )


def test_modules_stay_small() -> None:
    """A module that reaches its limit is split by noun."""
    report(
        [
            f"{module.path.relative_to(ROOT)} has {module.lines} lines: split it by noun (limit {LONGEST_MODULE})"
            for module in EVERYTHING
            if module.lines > LONGEST_MODULE
        ]
    )


def test_functions_stay_small() -> None:
    """A function fits on a screen."""
    report(
        [
            f"{module.at(node)}: `{node.name}` has {length} lines (limit {LONGEST_FUNCTION})"
            for module in EVERYTHING
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
        ]
    )


def test_every_test_states_its_promise() -> None:
    """Each test has a docstring of one line, which says what holds."""
    report(
        [
            f"{module.at(node)}: `{node.name}` needs a docstring of one line that states its promise"
            for module in TESTS
            if module.path.name.startswith("test_")
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name.startswith("test_")
            and len((ast.get_docstring(node) or "").splitlines()) != 1
        ]
    )


def test_every_module_says_what_it_is() -> None:
    """Each module of the package opens with a sentence."""
    report([f"{module.at(1)}: needs a docstring" for module in SOURCES if not ast.get_docstring(module.tree)])
