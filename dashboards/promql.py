"""The few shapes that the boards' expressions are made of."""

SITE = "site"
SOURCE = "source"
NODE = "node"
STORE = "store"
HOUR = "1h"  # counts are shown per hour, whatever the zoom: a quiet shop has few events in less


def select(name: str, *chosen: str, **labels: str) -> str:
    """Series of a name: `chosen` labels follow the board's variables of the same name, others are as given."""
    matchers = [f'{label}=~"${label}"' for label in chosen] + [f'{key}="{value}"' for key, value in labels.items()]
    return f"{name}{{{','.join(matchers)}}}"


def of_site(name: str, **labels: str) -> str:
    """Of the chosen sites."""
    return select(name, SITE, **labels)


def of_source(name: str, **labels: str) -> str:
    """Of the chosen sources."""
    return select(name, SITE, SOURCE, **labels)


def of_node(name: str, **labels: str) -> str:
    """Of the chosen Lightning nodes."""
    return select(name, SITE, NODE, **labels)


def of_store(name: str, **labels: str) -> str:
    """Of the chosen stores."""
    return select(name, SITE, STORE, **labels)


def threshold(rule: str, name: str) -> str:
    """A rule's threshold in force, one series for each chosen site."""
    chosen = 'site=~"$site",site!="lnwatch"'  # lnwatch's own site has its rules alone
    return f'max by (site) (lnwatch_rule_threshold{{{chosen},rule="{rule}",threshold="{name}"}})'


def own_threshold(rule: str, name: str) -> str:
    """The same of a rule about lnwatch itself."""
    return f"max by (site) ({select('lnwatch_rule_threshold', site='lnwatch', rule=rule, threshold=name)})"


def times_usual(rule: str, usual: str) -> str:
    """The `factor` of a rule times a source's own normal."""
    return f"{usual} * on (site) group_left () {threshold(rule, 'factor')}"


def at_least(figure: str, floor: str) -> str:
    """A limit that is never below `floor`: what is higher of the two, and `floor` where there is no figure yet."""
    return f"({figure}) > on (site) group_left () {floor} or on (site) {floor}"


def above(figure: str, limit: str) -> str:
    """How far a figure stands above its site's limit."""
    return f"{figure} - on (site) group_left () {limit}"


def below(figure: str, limit: str) -> str:
    """How far a figure stands below its site's limit."""
    return f"{limit} - on (site) group_right () ({figure})"


def state_number(name: str, label: str, values: list[str], *chosen: str, apart: tuple[str, ...] = ()) -> str:
    """Where one of several series is 1: the place of its `label` in `values`, from 0; `apart` are labels that no
    variable chooses by."""
    kept = ", ".join((*chosen, *apart))
    numbered = " or ".join(
        f"{number} * {select(name, *chosen, **{label: value})}" for number, value in enumerate(values)
    )
    return f"sum by ({kept}) ({numbered})"


def hourly(counter: str) -> str:
    """What a counter grew by in the last hour."""
    return f"increase({counter}[{HOUR}])"


def quantile(share: float, buckets: str, *kept: str) -> str:
    """A quantile of a histogram over the last hour, one for each value of the labels that are kept."""
    return f"histogram_quantile({share}, sum by ({', '.join([*kept, 'le'])}) (rate({buckets}[{HOUR}])))"
