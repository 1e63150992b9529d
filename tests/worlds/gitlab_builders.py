"""A small GitLab over HTTP, sessions and groups that talk to it, and raw servers for what it cannot play."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cronjob.concurrency.stop import StopControl
from cronjob.gitlab.group import GitLabGroup, Scope
from cronjob.gitlab.session import GitLabConnection, Session
from cronjob.sandbox.fake_gitlab.app import gitlab_app
from cronjob.sandbox.fake_gitlab.records import MAINTAINER, Group, User
from cronjob.sandbox.fake_gitlab.records import Project as TheirProject
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.serving import serving
from reconcile.actual import Actual
from reconcile.model import Project
from reconcile.rules import Rules
from tests.worlds.builders import some_rules

RULES: Rules = some_rules()
TOKEN = "glpat-marker-9d41"
# Short enough for tests, long enough for a busy machine.
BACKOFF = 0.001
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class GitLab:
    """*bot* is Maintainer of the group `tenants`; what is opened here is closed with it."""

    world: GitLabWorld
    url: str
    bot: User
    group: Group
    opened: ExitStack = field(repr=False)

    def session(self, *, stop_control: StopControl | None = None, **fields: Any) -> Session:
        access = GitLabConnection(
            **{"url": self.url, "token": TOKEN, "allow_writes": True, "backoff": BACKOFF, **fields}
        )
        return self.opened.enter_context(closing(Session(access, stop_control=stop_control)))

    def reader(
        self,
        *,
        session: Session | None = None,
        rules: Rules = RULES,
        stop_control: StopControl | None = None,
        on_write: Callable[..., None] | None = None,
        **scope: Any,
    ) -> GitLabGroup:
        """A GitLabGroup of `tenants`, allowed to write."""
        whole = Scope(**{"groups": ("tenants",), "writes": True, "concurrency": 8, **scope})
        heard = {"on_write": on_write} if on_write else {}
        session = session or self.session(stop_control=stop_control)
        group = GitLabGroup(session, whole, rules, stop_control=session.stop_control, **heard)
        return self.opened.enter_context(closing(group))

    def ready(self, **fields: Any) -> tuple[GitLabGroup, Actual]:
        """A group that has read everything; the log begins after that."""
        group = self.reader(**fields)
        actual = group.read_actual(())
        self.world.requests.clear()
        return group, actual

    def project(self, path: str = "tenants/shop", **fields: Any) -> TheirProject:
        return self.world.add_project(path, **fields)

    def requests(self) -> list[tuple[str, str]]:
        """Method and path below the API's root of every request so far."""
        root = f"{self.world.url_root}/api/v4"
        return [(request.method, request.path.removeprefix(root)) for request in self.world.requests]

    def paths(self, method: str = "GET") -> list[str]:
        return [path for sent, path in self.requests() if sent == method]


def ours(project: TheirProject) -> Project:
    """The project as the program knows it."""
    return Project(project.id, project.path_with_namespace)


@contextmanager
def a_gitlab(version: str = "18.4.0", url_root: str = "") -> Iterator[GitLab]:
    world = GitLabWorld(version=version, url_root=url_root)
    bot = world.add_user("bot")
    world.add_token(bot, token=TOKEN)
    group = world.add_group("tenants")
    world.add_member(group, bot, MAINTAINER)
    with serving(gitlab_app(world)) as url, ExitStack() as opened:
        yield GitLab(world, url + url_root, bot, group, opened)


@dataclass
class RawServer:
    """A server that says exactly the bytes it is told to, one answer per connection."""

    url: str
    port: int
    requests: list[bytes]


Answer = bytes | Callable[[socket.socket], None]


@contextmanager
def raw_server(*answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve *answers* in turn, the last one for ever; a function is handed the connection to do as it likes."""
    server_socket = socket.create_server(("127.0.0.1", 0))
    port = server_socket.getsockname()[1]
    server = RawServer(f"http{'s' if context else ''}://127.0.0.1:{port}", port, [])
    left = list(answers)

    def answer(connection: socket.socket) -> None:
        with suppress(OSError):
            talking = context.wrap_socket(connection, server_side=True) if context else connection
            with closing(talking):
                talking.settimeout(10)
                server.requests.append(_whole_request(talking))
                now = left.pop(0) if len(left) > 1 else left[0]
                if callable(now):
                    now(talking)
                else:
                    talking.sendall(now)

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server_socket.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # A close alone does not wake who is in accept().
        server_socket.shutdown(socket.SHUT_RDWR)
        server_socket.close()
        thread.join()


def _whole_request(connection: socket.socket) -> bytes:
    """The request with its body: who closes with anything unread resets the connection."""
    request = connection.recv(65536)
    # What does not begin with a method is a TLS handshake.
    while request[:1].isalpha() and len(request) < _length(request) and (more := connection.recv(65536)):
        request += more
    return request


def _length(request: bytes) -> int:
    head, end, _ = request.partition(b"\r\n\r\n")
    stated = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return len(head) + 4 + (int(stated[1]) if stated else 0) if end else len(request) + 1


def a_session(url: str, *, stop_control: StopControl | None = None, **fields: Any) -> closing[Session]:
    """A session to a server of any kind, to be used in a `with`."""
    whole = {"token": TOKEN, "allow_writes": True, "backoff": BACKOFF, "timeout": 5.0, **fields}
    return closing(Session(GitLabConnection(url, **whole), stop_control=stop_control))


def dripping(begun: bytes) -> Callable[[socket.socket], None]:
    """An answer that begins so and goes on with a byte now and then, for as long as anybody waits."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(begun)
        for _ in range(200):
            connection.sendall(b"H")
            time.sleep(0.05)

    return drip


def an_answer(status: str, body: str | bytes = b"", *headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


@dataclass(frozen=True)
class Authority:
    """A throw-away CA; *file* holds its certificate."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> str:
        path = self.folder / "ca.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return str(path)

    def server(self, address: str = "127.0.0.1", *, expired: bool = False) -> ssl.SSLContext:
        """TLS for a server whose certificate is for *address*."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        # Python 3.13 verifies strictly: without these two identifiers a chain is refused.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(hours=-1 if expired else 24)
        builder = _certificate(address, key, self.certificate.subject, ends)
        signed = (
            builder.add_extension(names, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        pem = self.folder / f"{address}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(signed.public_bytes(Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None = None,
    ends: dt.datetime | None = None,
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(ends or now + dt.timedelta(days=1))
    )


def an_authority(folder: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _certificate("a throw-away CA", key)
        .add_extension(constraints, critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(folder, key, builder.sign(key, hashes.SHA256()))
