"""What must never be seen: every secret of a sandbox, and a search for them in whatever the program let out."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

from cronjob.sandbox.samples import Sandbox

# Of a PEM's body each line alone is too much; its first characters are the same in every key.
_PEM_LINE = re.compile(rb"^[A-Za-z0-9+/=]{30,}$", re.MULTILINE)
_PUBLIC = {"identity.pub", "known_hosts"}


def secrets_of(sandbox: Sandbox) -> set[str]:
    """The token, what the Secrets hold, webhooks' digests and tokens, and what GitLab's projects carry."""
    return {text for text in _secrets(sandbox) if len(text) >= 12}


def shown(secrets: Iterable[str], *texts: str) -> list[str]:
    """Those of *secrets* that are in one of *texts*."""
    return [secret for secret in sorted(secrets) if any(secret in text for text in texts)]


def _secrets(sandbox: Sandbox) -> Iterator[str]:
    yield sandbox.token
    for secret in sandbox.kubernetes.list("Secret"):
        for name, packed in secret.get("data", {}).items():
            data = base64.b64decode(packed)
            if name == "identity":
                # The first line holds the format's name, the second and third the public key.
                yield from (line.decode() for line in _PEM_LINE.findall(data)[2:])
            elif name not in _PUBLIC:
                yield from (data.decode(), packed)
    for project in sandbox.gitlab.projects.values():
        yield project.runners_token
        yield project.import_url or ""
        for hook in project.hooks.values():
            yield hook.token or ""
            yield from re.findall(r"/hook/[0-9a-f]{8}([0-9a-f]{20,})", hook.url)
    for receiver in sandbox.kubernetes.list("Receiver"):
        yield str((receiver.get("status") or {}).get("webhookPath") or "")[len("/hook/") + 8 :]
