"""Validation errors in the language of the account: lib/api/api.rb sets the locale of the current user."""

import re

from cronjob.sandbox.fake_gitlab.records import User
from cronjob.sandbox.fake_gitlab.ssh_keys import Errors

# Rails' own messages are translated (rails-i18n); GitLab's own messages about keys stay English.
MESSAGES = {
    "de": {
        "has already been taken": "ist bereits vergeben",
        "can't be blank": "muss ausgefüllt werden",
        "is invalid": "ist nicht gültig",
        r"is too long \(maximum is (\d+) characters\)": r"ist zu lang (mehr als \1 Zeichen)",
    },
    "fr": {
        "has already been taken": "n'est pas disponible",
        "can't be blank": "doit être rempli(e)",
        "is invalid": "n'est pas valide",
        r"is too long \(maximum is (\d+) characters\)": r"est trop long (pas plus de \1 caractères)",
    },
}


def translated(errors: Errors, user: User | None) -> Errors:
    """*errors* in the language of *user*."""
    messages = MESSAGES.get(user.preferred_language, {}) if user else {}
    return {field: [_translated(text, messages) for text in texts] for field, texts in errors.items()}


def _translated(text: str, messages: dict[str, str]) -> str:
    for english, other in messages.items():
        if re.fullmatch(english, text):
            return re.sub(english, other, text)
    return text
