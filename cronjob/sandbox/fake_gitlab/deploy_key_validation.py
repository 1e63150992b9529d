"""Validation of deploy keys: the key text, the fingerprint ("has already been taken"), the title, the expiry."""

from datetime import UTC, datetime

from cronjob.sandbox.fake_gitlab.answers import refuse
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.records import Key
from cronjob.sandbox.fake_gitlab.ssh_keys import Errors, clean_text, key_errors, read_key

MAX_TITLE = 255


def new_key_of(call: Call, *, prefix: str = "") -> Key:
    """Create the key that *call* posts, or refuse it; *prefix* is put before the names of invalid fields."""
    text, title = clean_text(str(call.params["key"])), str(call.params["title"])
    expires_at = _expiry_of(call)
    errors = _errors_of(call, text) | _title_errors(title)
    if expires_at and expires_at <= call.world.now():
        errors.setdefault("key", []).append("has expired")
    _refuse(errors, prefix)
    return call.world.new_key(text, title, user=call.user, expires_at=expires_at)


def checked_title(call: Call, *, prefix: str = "") -> str:
    """The title in *call*, if it is valid; otherwise the request is refused."""
    title = str(call.params["title"])
    _refuse(_title_errors(title), prefix)
    return title


def _refuse(errors: Errors, prefix: str) -> None:
    if errors:
        refuse(400, message={f"{prefix}{name}": messages for name, messages in errors.items()})


def _errors_of(call: Call, text: str) -> Errors:
    key = read_key(text)
    errors = key_errors(text, key, call.world.minimum_key_bits)
    field = "fingerprint_sha256" if call.world.release >= (15, 2) else "fingerprint"
    if key is None:
        errors[field] = ["cannot be generated"]
    elif key.sha256 in call.world.keys_by_fingerprint:
        errors[field] = ["has already been taken"]
    return errors


def _title_errors(title: str) -> Errors:
    if not title.strip():
        return {"title": ["can't be blank"]}
    if len(title) > MAX_TITLE:
        return {"title": [f"is too long (maximum is {MAX_TITLE} characters)"]}
    return {}


def _expiry_of(call: Call) -> datetime | None:
    sent = call.params.get("expires_at")
    if not sent:
        return None
    try:
        moment = datetime.fromisoformat(str(sent))
    except ValueError:
        refuse(400, error="expires_at is invalid")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
