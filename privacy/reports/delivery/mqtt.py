"""MQTT, with topics as home and building automation knows them from Frigate.

`PREFIX/reports` has one message for each change (`type` new, update or end), QoS 1; `PREFIX/available` is retained and
says "online" or, by the broker's own hand if we vanish, "offline"; `PREFIX/ledger` has the retained head of the ledger.
"""

import ssl

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from privacy.errors import DeliveryError, InputError
from privacy.reports.delivery import payload
from privacy.reports.delivery.place import fitted
from privacy.reports.ledger import Head
from privacy.reports.report import Change

TIMEOUT_S = 10.0


class Mqtt:
    """Publishes to one broker.

    Args:
        host: Of the broker.
        port: Of the broker.
        prefix: Of every topic.
        user: And password, if the broker asks for them.
        tls: Whether to speak TLS, with the system's certificates.

    Raises:
        InputError: A prefix that is no topic.
    """

    def __init__(
        self,
        host: str,
        port: int = 1883,
        *,
        prefix: str = "privacy",
        user: tuple[str, str] | None = None,
        tls: bool = False,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        if not prefix or set(prefix) & set("+#\0"):
            raise InputError("a topic has no + and no #", prefix=prefix)
        self.name = fitted(f"mqtt://{host}:{port}/{prefix}")
        self._address = host, port
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._user = user
        self._tls = ssl.create_default_context() if tls else None
        self._client: mqtt.Client | None = None

    def deliver(self, change: Change) -> None:
        """See `Receiver.deliver`."""
        self._publish("reports", payload.body(change), retain=False)

    def tell(self, head: Head) -> None:
        """See `Receiver.tell`."""
        self._publish("ledger", head.line().encode(), retain=True)

    def close(self) -> None:
        """Say that we are gone, and go."""
        if self._client is not None and self._client.is_connected():
            gone = self._client.publish(f"{self._prefix}/available", "offline", qos=1, retain=True)
            gone.wait_for_publish(1.0)
        self._hang_up()

    def _publish(self, topic: str, body: bytes, *, retain: bool) -> None:
        try:
            if self._client is None or not self._client.is_connected():
                self._hang_up()
                self._client = self._connected()
                self._acknowledged(self._client, "available", b"online", retain=True)
            self._acknowledged(self._client, topic, body, retain=retain)
        except (OSError, RuntimeError, ValueError, DeliveryError) as error:
            # What waits in the client is sent again from the outbox: it must not come from both.
            self._hang_up()
            raise DeliveryError(f"{self.name} does not answer", receiver=self.name) from error

    def _connected(self) -> mqtt.Client:
        # A client for each connection: one that begins its loop anew forgets to close what the old loop had open.
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.will_set(f"{self._prefix}/available", "offline", qos=1, retain=True)
        client.connect_timeout = self._timeout_s
        if self._user is not None:
            client.username_pw_set(*self._user)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.connect(*self._address, keepalive=30)
        client.loop_start()
        return client

    def _acknowledged(self, client: mqtt.Client, topic: str, body: bytes, *, retain: bool) -> None:
        sent = client.publish(f"{self._prefix}/{topic}", body, qos=1, retain=retain)
        sent.wait_for_publish(self._timeout_s)
        if not sent.is_published():
            raise DeliveryError(f"{self.name} does not acknowledge", receiver=self.name)

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
