"""From what an administrator writes to who is told."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from privacy.errors import InputError
from privacy.reports.delivery import gb28181
from privacy.reports.delivery.lines import Lines
from privacy.reports.delivery.mqtt import Mqtt
from privacy.reports.delivery.outbox import Receiver
from privacy.reports.delivery.place import shown
from privacy.reports.delivery.syslog import Syslog
from privacy.reports.delivery.webhook import Webhook

KINDS = "https://, gb28181+https://, mqtt://, mqtts://, syslog+tcp://, syslog+udp:// or file:///"


def receiver_of(url: str, secret: bytes = b"") -> Receiver:
    """Return the receiver at an address.

    Args:
        url: One of `KINDS`; http:// instead of https:// for a receiver on this machine.
        secret: Signs what web hooks are told.

    Raises:
        InputError: No such address.
    """
    try:
        place = urlsplit(url)
        host, port = place.hostname or "", place.port
    except ValueError as error:
        raise InputError(f"no receiver; want {KINDS}") from error
    match place.scheme:
        case "http" | "https":
            return Webhook(url, secret)
        case "gb28181+http" | "gb28181+https":
            plain = url.removeprefix("gb28181+")
            return Webhook(plain, secret, render=gb28181.alarm, media_type=gb28181.MEDIA_TYPE, name=shown(url))
        case "mqtt" | "mqtts" if host:
            tls = place.scheme == "mqtts"
            user = (unquote(place.username), unquote(place.password or "")) if place.username else None
            return Mqtt(
                host, port or (8883 if tls else 1883), prefix=place.path.strip("/") or "privacy", user=user, tls=tls
            )
        case "syslog+tcp" | "syslog+udp" if host:
            return Syslog(host, port or 514, tcp=place.scheme.endswith("tcp"))
        case "file" if place.path:
            return Lines(Path(unquote(place.path)))
    raise InputError(f"no receiver of the kind {place.scheme!r}; want {KINDS}")
