"""`privacy evidence`: for the authority, on the authority's machine. The key that opens never comes near the server."""

import os
from pathlib import Path

import click
import cv2
import numpy as np

from privacy.cli.databases import FILE
from privacy.errors import SealError, SinkError
from privacy.reports import keys
from privacy.reports.evidence import fingerprint_of, new_key, open_box, read_header
from privacy.reports.marks import mark

_PICTURES = ("image/jpeg", "image/png")


@click.group()
def evidence() -> None:
    """Make the authority's key, and open what was sealed to it."""


@evidence.command()
@click.argument("out", type=click.Path(path_type=Path))
def keygen(out: Path) -> None:
    """Make a key pair: OUT, which opens and stays with the authority, and OUT.pub, for `serve --authority-key`."""
    key = new_key()
    keys.write_private(out, key)
    public = key.public_key().public_bytes_raw()
    keys.write_public(out.with_name(out.name + ".pub"), public)
    click.echo(f"{out.name}.pub: {public.hex()} (fingerprint {fingerprint_of(public)})")


@evidence.command("open")
@click.argument("box", type=FILE)
@click.option("--key", "key", type=FILE, required=True, help="The authority's private key, from `keygen`.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Where the original goes.")
@click.option("--recipient", default="", help="Whose copy it is: a picture is marked, visibly and hidden.")
@click.option("--mark-secret", type=FILE, help="At least 16 bytes; finds the hidden mark again.")
def open_(box: Path, key: Path, out: Path, recipient: str, mark_secret: Path | None) -> None:
    """Open a sealed BOX. A box that was altered or cut off leaves nothing behind."""
    if out.exists():
        raise SinkError(f"{out} exists", sink=str(out))
    private = keys.opening(key)
    unfinished = out.with_name(out.name + ".part")
    try:
        with box.open("rb") as sealed, open(unfinished, "xb", opener=_for_the_owner) as file:
            try:
                file.writelines(open_box(sealed, private))
                file.close()
                if recipient:
                    sealed.seek(0)
                    media_type = read_header(sealed).get("media_type", "")
                    _mark(unfinished, media_type, recipient, b"" if mark_secret is None else mark_secret.read_bytes())
                unfinished.rename(out)
            finally:  # but not where it was there before: somebody else writes it
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise SinkError(f"{out} cannot be written: {error.strerror}", sink=str(out)) from error
    click.echo(f"{out}: opened")


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _mark(path: Path, media_type: str, recipient: str, secret: bytes) -> None:
    if media_type not in _PICTURES:
        raise SealError(f"only pictures can be marked, and this is {media_type or 'unknown'}")
    if len(secret) < 16:
        raise SealError("a hidden mark needs --mark-secret of at least 16 bytes")
    decoded = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise SealError("what was sealed is no picture")
    picture = np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
    marked = cv2.cvtColor(mark(picture, recipient, secret), cv2.COLOR_RGB2BGR)
    ok, data = cv2.imencode(".jpg", marked, [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not ok:
        raise SinkError("the marked copy cannot be encoded", sink=str(path))
    path.write_bytes(data.tobytes())
