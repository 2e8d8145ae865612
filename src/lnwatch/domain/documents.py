"""What the executor has to show, as JSON: amounts in msat, times in seconds since 1970."""

from lnwatch.model.action import KillSwitch, ProposalRecord, ProposalView, Rejection, Standing


def standing_document(stands: Standing) -> dict[str, object]:
    """Everything that stands."""
    return {
        "proposals": [document(view.record, view) for view in stands.proposals],
        "nothing": [
            {
                "site": each.site,
                "automation": each.automation,
                "subject": each.subject,
                "reason": each.reason,
                "sentence": each.sentence,
            }
            for each in stands.nothing
        ],
        "hands": [
            {"site": site, "node": node, "action": action.value, "hands": name}
            for (site, node, action), name in stands.hands.items()
        ],
        "budgets": [
            {"site": each.site, "action": each.action.value, "window": each.window, "used": each.share}
            for each in stands.budgets
        ],
        "kill_switch": switch_document(stands.kill_switch),
        "trouble": stands.trouble,
    }


def document(record: ProposalRecord, view: ProposalView | None = None) -> dict[str, object]:
    """A proposal, with why it is carried out or not where that is known."""
    proposal, receipt, mends = record.proposal, record.receipt, record.proposal.mends
    told: dict[str, object] = {
        "id": record.id,
        "digest": proposal.digest,
        "site": proposal.site,
        "automation": proposal.automation,
        "action": proposal.action.value,
        "node": proposal.node,
        "subject": proposal.subject,
        "state": record.state.value,
        "at": record.at,
        "sentence": proposal.sentence,
        "parameters": {**proposal.parameters, **proposal.added},
        "amount_msat": proposal.amount_msat,
        "fee_limit_msat": proposal.fee_limit_msat,
        "mends": None if mends is None else {"site": mends.site, "rule": mends.rule, "subject": mends.subject},
        "approvals": [{"at": at, "actor": each.actor, "note": each.note} for at, each in record.approvals],
        "hands": record.intent.hands if record.intent is not None else None,
        "intended_at": record.intended_at,
        "ended_at": record.ended_at,
        "outcome": receipt.words if receipt is not None else None,
        "fee_msat": receipt.fee_msat if receipt is not None else None,
    }
    if isinstance(record.end, Rejection):
        told["outcome"] = f"rejected by {record.end.actor}: {record.end.note}"
    elif record.end is not None:
        told["outcome"] = f"withdrawn: {record.end.reason.value}"
    if view is not None:
        told["verdict"] = {"ground": view.verdict.ground.value, "words": view.verdict.words}
    return told


def switch_document(switch: KillSwitch) -> dict[str, object]:
    """The kill switch."""
    return {"on": switch.on, "actor": switch.actor, "note": switch.note}
