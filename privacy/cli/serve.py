"""`privacy serve`: the gRPC service that VMS plugins call."""

from contextlib import ExitStack
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from privacy import policy as policies
from privacy.cli import config, configure_log, reporting
from privacy.cli.databases import FILE, database_option
from privacy.cli.detectors import detectors
from privacy.console.app import Console, ConsoleOfAll
from privacy.database import open_database, probe
from privacy.errors import InputError
from privacy.masking import DEVICES
from privacy.migrations import migrated
from privacy.models import catalogue
from privacy.serve.processes import Archive, Orders, Processes
from privacy.serve.server import DEFAULT_ADDRESS, Service
from privacy.serve.service import Options, assemble, is_loopback
from privacy.serve.service import serve as serve_here
from privacy.serve.servicer import shipped
from privacy.serve.translate import Limits

MIB = 1024 * 1024
NO_DATABASE = "none"


@click.command(context_settings={"auto_envvar_prefix": "PRIVACY_SERVE"})
@click.option(
    "--config",
    type=FILE,
    is_eager=True,
    expose_value=False,
    callback=config.read,
    help="Options from a TOML file: max_streams = 64. A flag wins over the environment, that over the file.",
)
@click.option("--check-config", is_flag=True, help="Say what would be served and from where each option comes; exit.")
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
@click.option(
    "--max-waiting-mib",
    default=Limits().waiting_bytes // MIB,
    show_default=True,
    type=click.IntRange(1),
    help="Memory for the frames of one stream that wait for the next look (look-behind), in MiB; what finds no room "
    "leaves at once, hidden.",
)
@click.option(
    "--max-client-streams", default=4096, show_default=True, type=click.IntRange(1), help="Streams of one client."
)
@click.option(
    "--max-client-requests",
    default=1000.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Calls that one client may begin in a second.",
)
@click.option("--grace", default=10.0, show_default=True, type=click.FloatRange(0), help="Seconds to drain in.")
@click.option("--reflection", is_flag=True, help="Let tools such as grpcurl ask for the contract.")
@click.option("--tls-cert", type=FILE, help="Certificate chain, PEM.")
@click.option("--tls-key", type=FILE, help="Private key, PEM.")
@click.option("--tls-client-ca", type=FILE, help="Ask clients for certificates that one of these signed, PEM.")
@click.option("--tokens", is_flag=True, help="Ask every caller for a token; see `privacy tokens`.")
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without TLS or tokens all the same.")
@database_option
@click.option("--http", metavar="HOST:PORT", help="Serve the console there, and /healthz, /readyz and /metrics.")
@click.option("--otel", is_flag=True, help="Send traces over OTLP to where OTEL_EXPORTER_OTLP_ENDPOINT says.")
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes that share the port, each with its own --max-streams.",
)
@click.option(
    "--archive",
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
@reporting.options
@click.pass_context
def serve(
    ctx: click.Context,
    /,
    *,
    check_config: bool,
    database: str,
    archive: tuple[Path, ...],
    audits: Path,
    **told: Any,  # noqa: ANN401 - see `Options`
) -> None:
    """Serve the gRPC contract of proto/privacy/v1 to VMS plugins.

    Listens on this machine only unless --address says otherwise; beyond it, TLS (--tls-cert, --tls-key) and --tokens
    are asked for. Every option can also stand in the file of --config, or in the environment as PRIVACY_SERVE_... .

    SIGTERM drains: the service calls itself unhealthy, takes no new stream, tells the running ones, and exits 0 after
    they have ended, or after --grace.
    """
    reports = {name: told.pop(name) for name in reporting.NAMES}
    try:
        options = _options(**told)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    url = None if database == NO_DATABASE else database
    rules = policies.load(options.policy)
    reported = reporting.reporting_of(model=options.model, policy=options.policy, **reports)
    recordings = None
    if archive:
        recordings = Archive(audits=audits, roots=archive, policy=rules.name, model=options.model)
    if check_config:
        _check(ctx, options, url)
        return

    def ready(bound: str, http: str) -> None:
        words = [
            f"listening on {bound} ({'TLS' if options.tls_cert else 'no TLS'})",
            options.model,
            f"policy {rules.name}",
            *([f"http on {http}"] if http else []),
            *([f"{options.processes} processes"] if options.processes > 1 else []),
        ]
        click.echo("; ".join(words))

    packs = {**shipped(), rules.name: rules}
    if options.processes > 1:
        group = ctx.find_root().params
        model, version = catalogue.card(options.model).name, metadata.version("privacy-zones")
        orders = Orders(
            options=options,
            database=url,
            prepare=partial(configure_log, group["log_level"], group["log_format"]),
            reporting=reported,
            archive=recordings,
            console=ConsoleOfAll(policies=packs, policy=rules.name, model=model, version=version)
            if _may_show(options)
            else None,
        )
        Processes(orders).run(ready)
        return
    with ExitStack() as ending:
        engine = None if url is None else ending.enter_context(migrated(url))
        reporter, services, jobs = None, list[Service](), None
        if reported is not None:
            reporter = ending.enter_context(reported(None))
            services.append(reporter.service)
        if recordings is not None:
            jobs = recordings.jobs()
            ending.callback(jobs.stop)
            services += recordings.services(jobs)
        if not _may_show(options):
            serve_here(options, engine, ready, reporting=reporter, services=services)
            return
        store = None if reporter is None else reporter.store
        console = ending.enter_context(Console(packs, rules.name, store=store, jobs=jobs))
        serve_here(
            options, engine, ready, reporting=reporter, services=services, observers=console.observers,
            pages=console.pages,
        )  # fmt: skip


def _may_show(options: Options) -> bool:
    """Say whether there is a console: where anybody could reach it, only behind tokens."""
    return options.http is not None and (options.tokens or is_loopback(options.http))


def _options(
    *,
    max_message_mib: int,
    max_pixels: int,
    max_waiting_mib: int,
    shared_memory_mib: int,
    grace: float,
    **told: Any,  # noqa: ANN401
) -> Options:
    return Options(
        limits=Limits(max_message_mib * MIB, max_pixels, max_waiting_mib * MIB),
        shared_memory_bytes=shared_memory_mib * MIB,
        grace_s=grace,
        detectors=detectors,
        **told,
    )


def _check(ctx: click.Context, options: Options, url: str | None) -> None:
    """Make everything but the sockets and the tables, and show what was asked for."""
    with ExitStack() as ending:
        engine = None if url is None else open_database(url)
        if engine is not None:
            ending.callback(engine.dispose)
            probe(engine)  # not migrated: an older server may be using it
        assemble(options, engine)
    for line in config.shown(ctx):
        click.echo(line)
