"""Validation of deploy keys: the key text, the fingerprint ("has already been taken"), the title, the expiry."""

from datetime import UTC, datetime, timedelta

from cronjob.sandbox.fake_gitlab.answers import refuse
from cronjob.sandbox.fake_gitlab.call import Call
from cronjob.sandbox.fake_gitlab.records import Key
from cronjob.sandbox.fake_gitlab.ssh_keys import Errors, clean_text, key_errors, read_key
from cronjob.sandbox.fake_gitlab.translations import translated
from cronjob.sandbox.fake_gitlab.world import GitLabWorld

MAX_TITLE = 255
# The messages of ee/app/models/ee/key.rb.
NO_EXPIRY = (
    "has no expiration date but an expiration date is required for SSH keys on this instance. "
    "Contact the instance administrator."
)
TOO_LONG_LIFETIME = (
    "has an invalid expiration date. Set a shorter lifetime for the key or contact the instance administrator."
)


def new_key_of(call: Call, *, prefix: str = "") -> Key:
    """Create the key that *call* posts, or refuse it; *prefix* is put before the names of invalid fields."""
    text, title = clean_text(str(call.params["key"])), str(call.params["title"])
    expires_at = _expiry_of(call)
    errors = _errors_of(call, text) | _title_errors(title)
    now = call.world.now()
    if expires_at and expires_at <= now:
        errors.setdefault("key", []).append("has expired")
    if lifetime := _lifetime_errors(call.world, now, expires_at):
        errors.setdefault("key", []).extend(lifetime)
    _refuse(call, errors, prefix)
    return call.world.new_key(text, title, user=call.user, expires_at=expires_at)


def checked_title(call: Call, key: Key, *, prefix: str = "") -> str:
    """The title in *call*, if *key* can be saved with it; otherwise the request is refused."""
    title = str(call.params["title"])
    lifetime = _lifetime_errors(call.world, key.created_at, key.expires_at)
    _refuse(call, _title_errors(title) | ({"key": lifetime} if lifetime else {}), prefix)
    return title


def _refuse(call: Call, errors: Errors, prefix: str) -> None:
    if errors:
        messages = translated(errors, call.user)
        refuse(400, message={f"{prefix}{name}": texts for name, texts in messages.items()})


def _lifetime_errors(world: GitLabWorld, created_at: datetime, expires_at: datetime | None) -> list[str]:
    """The errors of an instance with a maximum lifetime of SSH keys (Ultimate, self-managed)."""
    if world.max_key_lifetime_days is None:
        return []
    if expires_at is None:
        return [NO_EXPIRY]
    return [TOO_LONG_LIFETIME] if expires_at > created_at + timedelta(days=world.max_key_lifetime_days) else []


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
