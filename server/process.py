"""The server process: sockets, workers, logs, and an orderly end."""

import gc
import logging
from functools import partial
from typing import TYPE_CHECKING

from server.configuration import BadConfiguration, affinity_domain
from server.http_server import HttpConfig, HttpServer, run_in_processes
from server.loads import Loads
from server.production import errors_in_production
from server.settings import Configuration
from server.tls.contexts import UnusableFile, server_context
from server.toml_file import Problem
from server.turns import Shares

if TYPE_CHECKING:
    from starlette.applications import Starlette

# What was accepted is finished; a document of the largest size takes this long on a slow line.
SHUTDOWN_TIMEOUT_SECONDS = 60

# Keep-alive connections of practice software idle between patients; proxies close theirs after 60 s.
KEEP_ALIVE_SECONDS = 75

# A worker imports and migrates before it answers its supervisor; on a busy machine that takes seconds.
WORKER_START_SECONDS = 60

# Of objects that may refer to each other in circles, how many more there are before garbage is looked for
# among the youngest, and how often that is until older ones are looked at. A request leaves next to none:
# Python's own numbers stop the process for tens of milliseconds, many times a second.
GARBAGE_THRESHOLDS = (50_000, 20, 100)


def serve(configuration: Configuration, actors: tuple[str, ...]) -> None:
    """Run these actors until SIGTERM or SIGINT; raises SystemExit when they cannot start."""
    affinity_domain(configuration)  # refused here, where a person sees the reason, not in a worker
    if "repository" in actors and "registry" not in actors and not configuration.repository.registry_url:
        reason = (
            "a repository by itself needs the address of its registry, e.g. http://localhost:8080/registry"
        )
        raise BadConfiguration(Problem("", 0, "repository.registry_url", reason))
    reception = configuration.audit_repository
    if actors == ("audit",) and not (reception.tls_port or reception.udp_port):
        reason = "an audit repository by itself needs a port at which it hears of other systems, e.g. 6514"
        raise BadConfiguration(Problem("", 0, "audit_repository.tls_port", reason))
    try:
        configuration.tls.calling()
        if configuration.tls.files:
            server_context(configuration.tls.files)
    except UnusableFile as problem:
        raise BadConfiguration(Problem("", 0, "tls", str(problem))) from None
    if problems := tuple(errors_in_production(configuration, actors)):
        raise BadConfiguration(*problems)
    _log_to_the_terminal()
    settings = HttpConfig(
        partial(_worker, configuration, actors),
        node_files=configuration.tls.files_for("http"),
        # Behind a proxy all connections are the proxy's, and nobody's share.
        shares=None if configuration.tls.proxies else Shares(configuration.clients.connections),
        loads=Loads(configuration.server.workers) if configuration.server.workers > 1 else None,
        factory=True,
        host=configuration.server.host,
        port=configuration.server.port,
        workers=configuration.server.workers,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom to believe about whom a request comes from is our own question: see `server/callers.py`.
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=WORKER_START_SECONDS,
    )
    if configuration.server.workers > 1:
        run_in_processes(settings)
        return
    server = HttpServer(settings)
    server.run()
    if not server.started:
        raise SystemExit(1)


def _worker(configuration: Configuration, actors: tuple[str, ...]) -> "Starlette":
    """What one process runs: a worker is a new process and begins without its parent's logging."""
    # What its parent has no use for takes as long to import as all the rest: the workers begin sooner.
    from server.web import application

    _log_to_the_terminal()
    made = application(configuration, actors)
    # What is there now is never garbage.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    return made


def _log_to_the_terminal() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(levelname)-8s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It names the whole address of each request, and that of a document on demand holds the document's id.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
