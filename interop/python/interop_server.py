#!/usr/bin/env python3
"""The contract's server (../COMMANDS.md) on real Twisted: the reference for the other checks."""

import argparse
import sys

from support.reference_server import ReferenceFactory
from support.running import listen, serve_until_killed, set_up_logging


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native", action="store_true", help="accepted and without effect: this is Twisted")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate for StartTLS (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="its private key (PEM)")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, default=0, help="end by itself after so long (default: never)")
    parser.add_argument("--log", action="store_true", help="Twisted's log on standard error")
    parser.add_argument("port", metavar="PORT", type=int, help="where to listen on 127.0.0.1; 0 chooses one")
    options = parser.parse_args()
    if bool(options.tls_cert) != bool(options.tls_key):
        parser.error("--tls-cert and --tls-key go together")

    certificate = None
    if options.tls_cert:
        from twisted.internet.ssl import PrivateCertificate

        with open(options.tls_cert) as cert, open(options.tls_key) as key:
            certificate = PrivateCertificate.loadPEM(cert.read() + key.read())

    set_up_logging(options.log)
    listen(ReferenceFactory(certificate), options.port)
    return serve_until_killed(options.time_limit)


if __name__ == "__main__":
    sys.exit(main())
