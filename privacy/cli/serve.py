"""`privacy serve`: the gRPC service that VMS plugins call."""

import contextlib
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from privacy import policy as policies
from privacy.audit.jobs import Jobs
from privacy.cli import reports
from privacy.cli.detectors import detectors
from privacy.masking import DEVICES
from privacy.models import catalogue
from privacy.serve.audit_servicer import services_of
from privacy.serve.scheduler import cores
from privacy.serve.server import DEFAULT_ADDRESS, Service, Settings, run
from privacy.serve.servicer import Engine, shipped
from privacy.serve.translate import Limits

MIB = 1024 * 1024
EXIT_AFTER_S = 5.0


@click.command()
@click.option("--address", default=DEFAULT_ADDRESS, show_default=True, help="HOST:PORT; port 0 takes a free one.")
@click.option("--model", default=catalogue.DEFAULT, show_default=True, help="What looks; see `privacy models list`.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1), help="CPU threads of one inference.")
@click.option("--policy", default=policies.DEFAULT, show_default=True, help="Default policy: a pack or a TOML file.")
@click.option(
    "--device", default="cpu", show_default=True, type=click.Choice(DEVICES), help="Where pixels are masked; auto "
    "takes CUDA where torch finds it (extra gpu)."
)  # fmt: skip
@click.option(
    "--max-streams",
    default=256,
    show_default=True,
    type=click.IntRange(1, 4096),
    help="Cameras at the same time, if the machine is strong enough; a further one is told to try again.",
)
@click.option(
    "--shared-memory-mib",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="What plugins of this machine and user may pass through shared memory, in MiB. 0 for nothing.",
)
@click.option(
    "--max-message-mib", default=64, show_default=True, type=click.IntRange(1, 1024), help="Largest message, in MiB."
)
@click.option(
    "--max-pixels",
    default=Limits().pixels,
    show_default=True,
    type=click.IntRange(1),
    help="Largest picture, counted before it is decoded.",
)
@click.option("--grace", default=10.0, show_default=True, type=click.FloatRange(0), help="Seconds to drain in.")
@click.option("--reflection", is_flag=True, help="Let tools such as grpcurl ask for the contract.")
@click.option(
    "--tls-cert", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Certificate chain, PEM."
)
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Private key, PEM.")
@click.option(
    "--archive",
    "archives",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of recordings that AuditService may read; nothing outside is. May be given again.",
)
@click.option(
    "--audits",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("audits"),
    show_default=True,
    help="Where audits lie, with --archive.",
)
@reports.options
def serve(  # noqa: PLR0917 - click passes options by name
    address: str,
    model: str,
    threads: int,
    policy: str,
    device: str,
    max_streams: int,
    shared_memory_mib: int,
    max_message_mib: int,
    max_pixels: int,
    grace: float,
    reflection: bool,  # noqa: FBT001 - click passes flags by name
    tls_cert: Path | None,
    tls_key: Path | None,
    archives: tuple[Path, ...],
    audits: Path,
    **reporting: Any,  # noqa: ANN401 - see `reports.options`
) -> None:
    """Serve the gRPC contract of proto/privacy/v1 to VMS plugins.

    Listens on this machine only unless --address says otherwise. There are no users or tokens yet: whoever reaches the
    address may use it, so beyond this machine put TLS (--tls-cert, --tls-key) and a firewall before it.

    SIGTERM drains: the service calls itself unhealthy, takes no new stream, tells the running ones, and exits 0 after
    they have ended, or after --grace.
    """
    if (tls_cert is None) is not (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    tls = None if tls_cert is None or tls_key is None else (tls_key.read_bytes(), tls_cert.read_bytes())
    rules = policies.load(policy)
    told = reports.reporting_of(model=model, policies={**shipped(), rules.name: rules}, **reporting)
    engine = Engine(
        model=catalogue.load(model, threads=threads),
        digest=catalogue.card(model).sha256,
        policy=rules,
        device=device,
        subjects=detectors(rules.subjects.hidden, rules),
        limits=Limits(max_message_mib * MIB, max_pixels),
        max_streams=max_streams,
        workers=max(1, cores() // threads),
        shared_memory_bytes=shared_memory_mib * MIB,
        version=metadata.version("privacy-zones"),
        observers=() if told is None else (told,),
    )
    settings = Settings(address=address, tls=tls, reflection=reflection, grace_s=grace)

    def ready(bound: str) -> None:
        click.echo(f"listening on {bound} ({'TLS' if tls else 'no TLS'}); {model}; policy {engine.policy.name}")

    services: list[Service] = []
    with contextlib.ExitStack() as running:
        if told is not None:
            running.enter_context(told)
            services.append(told.service)
        if archives:
            jobs = Jobs(audits, archives, policies.load, workers=cores())
            running.callback(jobs.stop)
            services += services_of(jobs, policy=rules.name, model=model)
        run(engine, settings, ready, services=services, exit_after_s=EXIT_AFTER_S)
