"""Starts microburst so that the emulator, which checks signatures, accepts what passes through it.

`Host` and `Content-Length` are part of signatures, and microburst would replace them. And for an unframed TCP stream it looks for
a match only in a connection's first bytes, while the SDK keeps its connections: here it looks again at each
request, that is, after each answer.
"""

import sys

from microburst.cli import main
from microburst.forward import Upstream
from microburst.tcp.server import TcpConnection

SIGNED = ("host", "content-length")
outbound_headers = Upstream._outbound_headers
relay = TcpConnection._relay


def outbound_headers_as_signed(self, request):
    signed = {name.lower(): value for name, value in request.headers.items() if name.lower() in SIGNED}
    return {**outbound_headers(self, request), **signed}


async def relay_and_look_again(self, dst, gate, data, *, message=False):
    if gate is self.s2c:
        self.decided = False
        self.prefix.clear()
    return await relay(self, dst, gate, data, message=message)


Upstream._outbound_headers = outbound_headers_as_signed
TcpConnection._relay = relay_and_look_again

sys.exit(main())
