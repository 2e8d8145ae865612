"""How Grafana comes by the boards and by their figures where compose.yaml starts it."""

from pathlib import PurePosixPath

from dashboards.build import FOLDER
from tests.dashboards.reading import NAMES, board
from tests.deploy.documents import DEPLOY, read

GRAFANA = read("compose.yaml")["services"]["grafana"]
PROVIDER = read("grafana/provisioning/dashboards/lnwatch.yaml")["providers"][0]


def mounts() -> dict[str, str]:
    """Sources of what Grafana mounts, by where it lies in the container."""
    return {target: source for source, target, *_ in (volume.split(":") for volume in GRAFANA["volumes"])}


def test_grafana_finds_the_boards() -> None:
    """The folder that is provisioned is the one where the boards are mounted, and its home is one of them."""
    path = PROVIDER["options"]["path"]
    assert (DEPLOY / mounts()[path]).resolve() == FOLDER.resolve()
    home = PurePosixPath(GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == path
    assert (FOLDER / home.name).is_file()
    assert PROVIDER["allowUiUpdates"] is False


def test_grafana_finds_prometheus_and_lnwatch() -> None:
    """There is a Prometheus to choose by default, and links lead to where compose.yaml publishes lnwatch."""
    (source,) = read("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    (port,) = read("compose.yaml")["services"]["lnwatch"]["ports"]
    for name in NAMES:
        variables = {variable["name"]: variable for variable in board(name)["templating"]["list"]}
        assert variables["datasource"]["query"] == "prometheus"
        assert variables["lnwatch"]["query"] == f"http://{port.rpartition(':')[0]}"
