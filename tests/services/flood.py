"""A client that floods a registry from a process of its own, until its standard input ends.

python -m tests.services.flood URL CA CERTIFICATE KEY CONNECTIONS
"""

import http.client
import ssl
import sys
import threading
from urllib.parse import urlsplit

from tests.messages import requests
from tests.wire import envelope

QUERY = envelope(requests.ITI_18, requests.find_documents("nobody^^^&2.999.5&ISO"))
PAUSE_SECONDS = 0.2


def main(url: str, ca: str, certificate: str, key: str, connections: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    done = threading.Event()
    flooding = [threading.Thread(target=flood, args=(url, context, done)) for _ in range(int(connections))]
    for thread in flooding:
        thread.start()
    sys.stdin.read()
    done.set()
    for thread in flooding:
        thread.join()


def flood(url: str, context: ssl.SSLContext, done: threading.Event) -> None:
    """Ask and ask again, on a new connection whenever one has ended."""
    parts = urlsplit(url)
    while not done.is_set():
        connection = http.client.HTTPSConnection(str(parts.hostname), parts.port, context=context, timeout=60)
        try:
            while not done.is_set():
                connection.request("POST", parts.path, QUERY, {"Content-Type": "application/soap+xml"})
                connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            done.wait(PAUSE_SECONDS)
        finally:
            connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
