"""Which limits each rule has at each site: the site's own before the general ones, key by key."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lnwatch.config.draft import Draft
from lnwatch.config.lines import KeyPath
from lnwatch.config.redaction import shown
from lnwatch.config.rule_settings import RuleKind, RuleSettings, thresholds
from lnwatch.config.schema import RESERVED, RULES, SITE
from lnwatch.config.values import RuleConfig
from lnwatch.errors import ConfigProblem

InForce = dict[str, dict[str, RuleConfig]]
Given = dict[str, tuple[KeyPath, Any]]  # what somebody has set, by key: where, and what
_NAMED = re.compile(r"`(\w+)`")
_FOUND = re.compile(r", found (.+)$")


def combine(
    rules: Mapping[str, RuleKind], settings: Mapping[KeyPath, RuleSettings], sites: Iterable[str], draft: Draft
) -> tuple[InForce, list[ConfigProblem]]:
    """Every rule for every site and the daemon itself, and what is wrong with limits that do not go together.

    `settings` are those that could be read, by the place of their block.
    """
    combined: InForce = {}
    problems: dict[ConfigProblem, None] = {}  # one that is general is met at each site
    for site in (RESERVED, *sites):
        combined[site] = {}
        for name, kind in rules.items():
            given = _given(settings, (RULES, name)) | _given(settings, (SITE, site, RULES, name))
            combined[site][name], wrong = _settle(kind, given, draft)
            problems |= dict.fromkeys(wrong)
    return combined, list(problems)


def _given(settings: Mapping[KeyPath, RuleSettings], place: KeyPath) -> Given:
    block = settings.get(place)
    if block is None:
        return {}
    return {key: ((*place, key), getattr(block, key)) for key in block.model_fields_set}


def _settle(kind: RuleKind, given: Given, draft: Draft) -> tuple[RuleConfig, list[ConfigProblem]]:
    """What is in force with all that is in range, and a line for each key that is not."""
    problems: list[ConfigProblem] = []
    while True:
        settings = kind.settings().model_copy(update={key: value for key, (_, value) in given.items()})
        try:
            limits = thresholds(kind.rule, settings)
        except ValueError as error:
            sentence = str(error)
            guilty = next((name for name in _NAMED.findall(sentence) if name in given), None)
            if guilty is None:
                raise  # by its own defaults: the rule's fault, not the operator's
            place, _ = given.pop(guilty)
            problems.append(draft.problem(place, shown(draft.find(place)), _remedy(guilty, sentence)))
        else:
            return RuleConfig(limits, settings.after, settings.keep_firing, settings.severity), problems


def _remedy(key: str, sentence: str) -> str:
    """What a rule says of its thresholds, behind the value of `key`, which stands in front already."""
    if sentence.startswith(f"`{key}`"):
        return f"it {_FOUND.sub('', sentence).removeprefix(f'`{key}`').strip()}"
    return _FOUND.sub(r", and is \1", sentence)
