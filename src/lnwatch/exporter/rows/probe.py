"""Public addresses: each stage of the last visit."""

from lnwatch.exporter.shapes import FactRows
from lnwatch.model.probe import ProbeStatus

_PROBE = FactRows(ProbeStatus, ("site", "probe"))

METRICS = (
    _PROBE.each(
        "lnwatch_probe_success",
        "1 where the stage of the last visit went well; 0 also where an earlier one failed.",
        ("stage",),
        lambda facts: [((step.stage.value,), int(step.success)) for step in facts.steps],
    ),
    _PROBE.each(
        "lnwatch_probe_duration_seconds",
        "Time that the stage took, the request up to its last byte; absent where an earlier one failed.",
        ("stage",),
        lambda facts: [((step.stage.value,), step.seconds) for step in facts.steps],
    ),
    _PROBE.one(
        "lnwatch_tls_not_after_timestamp_seconds",
        "When the certificate that the address presented ends, whether or not it is trusted.",
        lambda facts: facts.tls_not_after,
    ),
)
