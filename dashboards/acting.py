"""What lnwatch does to other systems: what waits for a person, what was done, and what holds it back."""

from dashboards.panel import BAD, CONTEXT, COUNT, PLAIN, SHARE, WATCH, WELL, Look, Panel, Query, Row
from dashboards.promql import hourly, of_site, select

ACTIONS = of_site("lnwatch_actions_total")
INSTANCE = "{{instance}}"

ACTING = Row(
    "Acting",
    (
        Panel(
            "Open proposals",
            shows="What lnwatch would do and has not done yet, and what was begun and is not known to have ended.",
            act="`lnwatch proposals` says what keeps each: most wait for a person's yes. One that was begun and "
            "stays: its node can't be asked what came of it.",
            unit=COUNT,
            look=Look.NUMBERS,
            queries=tuple(
                Query(
                    f"sum by (site, automation) ({of_site('lnwatch_proposals', state=state)})",
                    f"{{{{site}}}} {{{{automation}}}} {state}",
                )
                for state in ("proposed", "intended")
            ),
            zero_is_well=True,
        ),
        Panel(
            "Actions by outcome",
            shows="What was done at other systems in the last hour, and what came of it; rehearsed is a dry run.",
            act="Failures again and again: `lnwatch proposals` has the other system's own words; stop it with "
            "`lnwatch kill-switch on` where it does harm.",
            unit=COUNT,
            look=Look.BARS,
            queries=(Query(f"sum by (action, outcome) ({hourly(ACTIONS)})", "{{action}} {{outcome}}"),),
            colours={"done": WELL, "failed": BAD, "rehearsed": CONTEXT},
        ),
        Panel(
            "Budget used",
            shows="Which share of a site's budget for 24 hours and for 30 days each kind of action has used.",
            act="At 100 % nothing more of that kind is done until the window has moved on: find out why so much was "
            "needed before you raise it.",
            unit=SHARE,
            look=Look.LINES,
            queries=(Query(of_site("lnwatch_action_budget_used_ratio"), "{{site}} {{action}} {{window}}"),),
        ),
        Panel(
            "Kill switch",
            shows="Whether everything that lnwatch does to other systems is stopped.",
            act="On: somebody put it there; `lnwatch kill-switch status` says who and why.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(select("lnwatch_kill_switch", "instance"), INSTANCE),),
            words={0: ("off", WELL), 1: ("on", WATCH)},
            span=12,
        ),
        Panel(
            "Journal",
            shows="Whether the journal of all that was done holds together; where it does not, nothing is done.",
            act="Broken: somebody changed the ledger, or it was restored in part; `lnwatch journal` names the row.",
            unit=PLAIN,
            look=Look.STATES,
            queries=(Query(select("lnwatch_journal_intact", "instance"), INSTANCE),),
            words={0: ("broken", BAD), 1: ("intact", WELL)},
            span=12,
        ),
    ),
)
