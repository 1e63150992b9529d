"""Accounts that GitLab denies access to the API, with its messages (lib/gitlab/auth/user_access_denied_reason.rb)."""

from cronjob.sandbox.fake_gitlab.answers import refuse
from cronjob.sandbox.fake_gitlab.records import User

REASONS = {
    "blocked": "Your account has been blocked.",
    "blocked_pending_approval": "Your account is pending approval from your administrator and hence blocked.",
    "deactivated": (
        "Your account has been deactivated by your administrator. "
        "Please log back in from a web browser to reactivate your account at {url}"
    ),
    "password_expired": "Your password expired. Please access GitLab from a web browser to update your password.",
    "terms_not_accepted": (
        "You (@{username}) must accept the Terms of Service in order to perform this action. "
        "To accept these terms, please access GitLab from a web browser at {url}."
    ),
}


def refuse_denied_account(user: User, url: str) -> None:
    """Refuse with 403 and the reason, if *user* is denied access; *url* is GitLab's external URL."""
    if user.access_denied:
        reason = REASONS[user.access_denied].format(username=user.username, url=url)
        refuse(403, message=f"403 Forbidden - {reason}")
