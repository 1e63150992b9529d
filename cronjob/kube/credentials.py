"""Credentials of a kubeconfig's user, in kubectl's meaning: token, exec plugin, client certificate, impersonation."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from urllib3.util import make_headers

from cronjob.kube.errors import CredentialsProblem
from cronjob.kube.exec_plugin import exec_credential
from cronjob.kube.target import Headers, KubeOptions
from reconcile.errors import SettingsError

_CREDENTIAL_FIELDS = frozenset(
    {"token", "tokenFile", "exec", "auth-provider", "username"}
    | {"client-certificate", "client-certificate-data", "client-key", "client-key-data"}
)


@dataclass(frozen=True, slots=True)
class ConfiguredUser:
    """The `user` of a kubeconfig, and the folder of the file, for relative paths."""

    fields: Mapping[str, Any] = field(repr=False)
    folder: Path

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything to log in with."""
        return any(self.fields.get(name) for name in _CREDENTIAL_FIELDS)

    @property
    def impersonation(self) -> Headers:
        """The Impersonate headers for `as`, `as-uid`, `as-groups` and `as-user-extra`. Raises SettingsError."""
        user, uid = self.fields.get("as"), self.fields.get("as-uid")
        groups, extra = self.fields.get("as-groups") or [], self.fields.get("as-user-extra") or {}
        if not user:
            if uid or groups or extra:
                raise SettingsError(
                    "The kubeconfig has `as-uid`, `as-groups` or `as-user-extra` without `as`: add the user to "
                    "impersonate, or remove them."
                )
            return ()
        headers = [("Impersonate-User", str(user))]
        headers += [("Impersonate-Uid", str(uid))] if uid else []
        headers += [("Impersonate-Group", str(group)) for group in groups]
        # Names in headers have no case, so Kubernetes takes them lower-cased and percent-encoded.
        headers += [
            (f"Impersonate-Extra-{quote(name.lower(), safe='')}", str(value))
            for name, values in extra.items()
            for value in values
        ]
        return tuple(headers)

    def logged_in(self, cluster: Mapping[str, Any], options: KubeOptions) -> dict[str, Any]:
        """
        The same fields with `token` in place of `tokenFile`, and what a plugin gave in place of `exec`.

        Raises CredentialsProblem.
        """
        fields = dict(self.fields)
        self._read_token_file(fields)
        plugin = fields.pop("exec", None)
        if plugin and not fields.get("token"):
            if not isinstance(plugin, dict):
                raise CredentialsProblem("its `exec` is no object; correct the kubeconfig")
            status = exec_credential(plugin, self.folder, cluster, options)
            if status.get("token"):
                fields["token"] = status["token"]
            for given, name in (("clientCertificateData", "client-certificate"), ("clientKeyData", "client-key")):
                if status.get(given):
                    fields[f"{name}-data"] = base64.b64encode(str(status[given]).encode()).decode()
        if token := fields.get("token"):
            # A file may end in a line break, which fits no header.
            fields["token"] = str(token).strip()
        _check_certificate(fields, self.folder)
        return fields

    def _read_token_file(self, fields: dict[str, Any]) -> None:
        """The file comes before `token`, which is for the case that the file cannot be read, as in client-go."""
        path = fields.pop("tokenFile", None)
        if not path:
            return
        file = self.folder / str(path)
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            if fields.get("token"):
                return
            cause = error.strerror if isinstance(error, OSError) else "it is no text"
            raise CredentialsProblem(f"its token file {file} cannot be read ({cause}); correct `tokenFile`") from None
        if not token:
            raise CredentialsProblem(f"its token file {file} is empty; write the token into it")
        fields["token"] = token


def _check_certificate(fields: Mapping[str, Any], folder: Path) -> None:
    """Raise CredentialsProblem where certificate or key is missing; kubectl refuses the one without the other, too."""
    present = {name: _is_present(fields, name, folder) for name in ("client-certificate", "client-key")}
    if any(present.values()) and not all(present.values()):
        [missing] = [name for name, is_there in present.items() if not is_there]
        raise CredentialsProblem(f"it has no `{missing}`, and a client certificate needs its key; add it")


def _is_present(fields: Mapping[str, Any], name: str, folder: Path) -> bool:
    if data := fields.get(f"{name}-data"):
        try:
            base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise CredentialsProblem(f"its `{name}-data` is not base64; correct it") from None
        return True
    path = fields.get(name)
    if path and not (folder / str(path)).is_file():
        raise CredentialsProblem(f"its file {folder / str(path)} does not exist; correct `{name}`")
    return bool(path)


def check_key_pair(certificate: str, key: str) -> None:
    """Raise CredentialsProblem where the files are no certificate and its key; TLS would fail with a vague message."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # Without a password, OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CredentialsProblem("its client key does not fit its client certificate; correct one") from None
        raise CredentialsProblem("its client certificate or key is not readable PEM; correct it") from None
    except OSError as error:
        raise CredentialsProblem(f"its client certificate or key cannot be read ({error.strerror})") from None


def proxy_headers(proxy: str) -> dict[str, str] | None:
    """The Proxy-Authorization header for the credentials in a proxy's URL, if there are any."""
    address = urlsplit(proxy)
    if not address.username:
        return None
    pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {name: str(value) for name, value in make_headers(proxy_basic_auth=pair).items()}
