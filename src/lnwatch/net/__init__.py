"""The door to the network: every client of lnwatch is made here, with limits, verified TLS and the proxy."""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # before grpc is imported: its core would write past our log to stderr

from lnwatch.net.answer import Answer
from lnwatch.net.client import HttpClient
from lnwatch.net.door import Door
from lnwatch.net.proxy import NetSettings, Proxy, parse_proxy
from lnwatch.net.tls import TlsPeek
from lnwatch.net.visit import Visit

__all__ = ["Answer", "Door", "HttpClient", "NetSettings", "Proxy", "TlsPeek", "Visit", "parse_proxy"]
