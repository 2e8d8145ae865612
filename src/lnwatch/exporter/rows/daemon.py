"""What lnwatch tells of itself."""

import platform

from lnwatch import __version__
from lnwatch.exporter.metric import Kind, Metric
from lnwatch.exporter.shapes import OWN, own

BUILD_INFO = Metric(
    "lnwatch_build_info",
    "Which lnwatch this is; always 1.",
    Kind.INFO,
    ("site", "version", "python_version"),
    lambda _moment: [((OWN, __version__, platform.python_version()), 1)],
)
METRICS = (
    BUILD_INFO,
    own(
        "lnwatch_assessment_timestamp_seconds",
        "When the newest assessment was made, from which all other series here are rendered.",
        lambda moment: moment.assessment.at,
    ),
    own(
        "lnwatch_assessments_total",
        "Assessments made since the process started.",
        lambda moment: moment.assessment.cycle,
        kind=Kind.COUNTER,
    ),
    own(
        "lnwatch_assessment_seconds_total",
        "How long assessments took since the process started: what is known, judged and committed.",
        lambda moment: moment.assessment.seconds,
        kind=Kind.COUNTER,
    ),
    own(
        "lnwatch_starts_total",
        "Starts of lnwatch over this ledger.",
        lambda moment: moment.assessment.starts,
        kind=Kind.COUNTER,
    ),
    own(
        "lnwatch_ledger_writable",
        "1 while the ledger can be written.",
        lambda moment: int(moment.assessment.ledger.writable),
    ),
    Metric(
        "lnwatch_ledger_info",
        "Which database the ledger is kept in; always 1.",
        Kind.INFO,
        ("site", "backend"),
        lambda moment: [((OWN, moment.assessment.ledger.backend), 1)],
    ),
    Metric(
        "lnwatch_site_birth_timestamp_seconds",
        "When the site's first good cycle was; what happened before is history and counts in no counter.",
        Kind.GAUGE,
        ("site",),
        lambda moment: [
            ((view.site,), view.born_at) for view in moment.assessment.views.values() if view.born_at is not None
        ],
    ),
)
