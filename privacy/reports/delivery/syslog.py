"""Syslog (RFC 5424) with ArcSight's Common Event Format, for the SIEM that everybody has.

TCP with octet counting (RFC 6587), or UDP. Neither acknowledges: what TCP took is counted as delivered. Where that is
not enough, use a web hook or MQTT.
"""

import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata

from privacy.errors import DeliveryError
from privacy.policy import Severity
from privacy.reports.delivery.place import fitted
from privacy.reports.ledger import Head
from privacy.reports.report import Change

TIMEOUT_S = 10.0
_FACILITY = 13  # log audit
_LEVEL: Mapping[Severity, int] = {Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 3, Severity.CRITICAL: 2}
_CEF_LEVEL: Mapping[Severity, int] = {Severity.LOW: 3, Severity.MEDIUM: 5, Severity.HIGH: 8, Severity.CRITICAL: 10}


class Syslog:
    """Sends to one collector.

    Args:
        host: Of the collector.
        port: Of the collector.
        tcp: False for UDP.
    """

    def __init__(self, host: str, port: int = 514, *, tcp: bool = True, timeout_s: float = TIMEOUT_S) -> None:
        self.name = fitted(f"syslog+{'tcp' if tcp else 'udp'}://{host}:{port}")
        self._address = host, port
        self._tcp = tcp
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def deliver(self, change: Change) -> None:
        """See `Receiver.deliver`."""
        report = change.report
        self._send(_header(_LEVEL[report.severity], report.updated) + cef(change))

    def tell(self, head: Head) -> None:
        """See `Receiver.tell`."""
        self._send(_header(5, datetime.now(UTC).timestamp()) + "ledger " + head.line())

    def close(self) -> None:
        """See `Receiver.close`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, line: str) -> None:
        data = line.encode()
        try:
            if not self._tcp:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                    datagrams.sendto(data, self._address)
                return
            if self._socket is None:
                self._socket = socket.create_connection(self._address, self._timeout_s)
            elif _gone(self._socket):
                raise ConnectionResetError
            self._socket.sendall(f"{len(data)} ".encode() + data)
        except OSError as error:
            self.close()
            raise DeliveryError(f"{self.name} does not answer ({type(error).__name__})", receiver=self.name) from error


def cef(change: Change) -> str:
    """Return a change in the Common Event Format."""
    report = change.report
    heading = ("privacy", "privacy-zones", metadata.version("privacy-zones"), report.rule, report.summary_en)
    fields = {
        "externalId": change.key,
        "cat": change.kind.value,
        "rt": str(round(report.updated * 1000)),
        "start": str(round(report.start * 1000)),
        "dvchost": report.camera or report.subject,
        "cs1Label": "clauses",
        "cs1": "; ".join(clause.citation for clause in report.clauses),
        "cs2Label": "report",
        "cs2": report.name,
        "cs3Label": "state",
        "cs3": report.state.value,
        "msg": report.summary_zh,
    }
    if report.end is not None:
        fields["end"] = str(round(report.end * 1000))
    extension = " ".join(f"{name}={_value(value)}" for name, value in fields.items())
    return f"CEF:0|{'|'.join(map(_heading, heading))}|{_CEF_LEVEL[report.severity]}|{extension}"


def _header(level: int, at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"<{_FACILITY * 8 + level}>1 {moment} {socket.gethostname()} privacy - - - "


def _heading(text: str) -> str:
    return _line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return _line(text).replace("\\", "\\\\").replace("=", "\\=")


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _gone(connection: socket.socket) -> bool:
    """Say whether the other side has hung up, without waiting."""
    connection.settimeout(0)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(TIMEOUT_S)
