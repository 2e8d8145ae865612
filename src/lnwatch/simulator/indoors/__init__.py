"""The other way from a world to the ledger: a daemon in the world's own process, to whose questions the doubles answer
as they do on sockets, but without any.

What is left out lies between the two: TCP, TLS, the framing of HTTP, all of gRPC but its messages, and what goes wrong
there alone, such as a certificate that nobody trusts. Sources, doubles, engine, judgement, messages, ledger and pages
are those of the other way. Their deadlines and intervals pass on the event loop's time; on a `CoarseClock` the daemon
looks up less often, which is how months are lived through. Only the probe of a public page still takes a socket.
"""

from lnwatch.simulator.indoors.clock import CoarseClock
from lnwatch.simulator.indoors.doubles import Indoors

__all__ = ["CoarseClock", "Indoors"]
