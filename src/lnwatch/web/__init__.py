"""Pages for people, and the door that Prometheus scrapes through."""

from lnwatch.web.app import create_app
from lnwatch.web.server import bind, serve
from lnwatch.web.settings import WebSettings

__all__ = ["WebSettings", "bind", "create_app", "serve"]
