"""What Slack's error strings mean: whether a retry can help, and what a person has to do."""

from collections.abc import Sequence

from lnwatch.net import Answer
from lnwatch.notify import DeliveryError, Failure
from lnwatch.notify._text import cut
from lnwatch.redaction import redact

_REMEDIES = {
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "invalid_token"),
        (
            Failure.REJECTED,
            "the token is wrong or no longer valid: install the app again and put its new token in place",
        ),
    ),
    **dict.fromkeys(
        ("missing_scope", "no_permission", "not_allowed_token_type", "app_access_restricted"),
        (Failure.REJECTED, "the app lacks a right: give it the scope `chat:write` and install it again"),
    ),
    **dict.fromkeys(
        ("not_in_channel", "posting_to_channel_denied"),
        (Failure.REJECTED, "the app is not in the channel: `/invite` it there"),
    ),
    **dict.fromkeys(
        (
            *("access_denied", "accesslimited", "ekm_access_denied", "enterprise_is_restricted", "is_bot"),
            *("org_login_required", "two_factor_setup_required", "action_prohibited", "restricted_action"),
            *("restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
        ),
        (Failure.REJECTED, "the workspace does not let the app post here: ask its administrator"),
    ),
    **dict.fromkeys(
        ("channel_not_found", "user_not_found", "team_not_found", "messages_tab_disabled"),
        (Failure.GONE, "there is no such channel for this app: check the id, and `/invite` the app there"),
    ),
    **dict.fromkeys(
        ("is_archived", "channel_is_archived", "is_inactive"),
        (Failure.GONE, "the channel is archived: restore it, or set another one"),
    ),
    **dict.fromkeys(
        ("no_service", "no_service_id", "no_team", "team_disabled", "no_active_hooks"),
        (Failure.GONE, "the webhook was removed or switched off: make a new one"),
    ),
    **dict.fromkeys(
        ("ratelimited", "rate_limited", "message_limit_exceeded"), (Failure.RATE_LIMITED, "too many messages")
    ),
    **dict.fromkeys(
        (
            *("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"),
            *("update_failed", "external_channel_migrating", "streaming_state_conflict", "rollup_error"),
        ),
        (Failure.SERVER, "a trouble of Slack's own"),
    ),
}
_OTHERWISE = (Failure.INVALID, "Slack does not take this message")

# The message that should be changed can't be, or not any more: nobody has to do anything about it.
NOT_EDITABLE = frozenset({"cant_update_message", "edit_window_closed", "block_mismatch", "update_failed"})
# The message is not there any more, or nothing can be added to it.
NO_THREAD = frozenset(
    {"message_not_found", "thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}
    | {"restricted_action_non_threadable_channel"}
)
# Slack takes the message, but not what we attach to find it again.
METADATA = frozenset(
    {"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "metadata_must_be_sent_from_app"}
)


class SlackError(DeliveryError):
    """A DeliveryError that still knows Slack's own word for it."""

    def __init__(self, error: str, failure: Failure, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(failure, message, retry_after=retry_after)
        self.error = error


def refusal(answer: Answer, error: str, details: Sequence[str] = ()) -> SlackError:
    """What an error string means. `details` are Slack's own sentences about it, where it has any."""
    word = error if error.replace("_", "").isalnum() else "an answer that is none of Slack's"
    failure, remedy = _REMEDIES.get(word, _OTHERWISE)
    more = f" ({cut(redact(' '.join(details)), 300)})" if details else ""
    return SlackError(word, failure, f"{answer.where}: {cut(word, 80)}: {remedy}{more}", retry_after=answer.retry_after)
