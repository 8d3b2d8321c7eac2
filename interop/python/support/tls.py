"""What a connection's TLS looks like from Twisted, and TLS in other ways than strings can say."""

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    KeyPair,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.protocols import amp


class Seen(amp.Command):
    """What the peer sees of the TLS of this connection; nothing of it in plain text."""

    response = [
        (b"version", amp.Unicode(optional=True)),
        (b"subject", amp.Unicode(optional=True)),
        (b"sought", amp.Unicode(optional=True)),
        (b"protocol", amp.Unicode(optional=True)),
    ]


def seen(transport):
    """The answer to `Seen`."""
    if not ISSLTransport.providedBy(transport):
        return {}
    handle = transport.getHandle()
    found = {"version": handle.get_protocol_version_name()}
    if handle.get_alpn_proto_negotiated():
        found["protocol"] = handle.get_alpn_proto_negotiated().decode()
    if transport.getPeerCertificate() is not None:
        subject = Certificate.peerFromTransport(transport).getSubject()
        found["subject"] = subject.commonName.decode()
    if handle.get_servername() is not None:
        found["sought"] = handle.get_servername().decode()
    return found


def load(path):
    """A certificate without its key."""
    with open(path, "rb") as file:
        return Certificate.loadPEM(file.read())


def load_pair(path):
    """A certificate with its key, both from one file."""
    with open(path, "rb") as file:
        return PrivateCertificate.loadPEM(file.read())


def make_pair(name):
    """A certificate that is signed by itself, and its key, in PEM."""
    pair = KeyPair.generate(size=2048).selfSignedCert(1, CN=name)
    return pair.dumpPEM().decode()


def server_options(certificate, demand=None, is_old=False, says_amp=False):
    """
    A server that demands a certificate signed by `demand`; with `is_old`, of TLS 1.2 alone; with
    `says_amp`, one that knows the protocol `amp` by name.
    """
    pair = load_pair(certificate)
    options = {"privateKey": pair.privateKey.original, "certificate": pair.original}
    if demand is not None:
        options["trustRoot"] = trustRootFromCertificates([load(demand)])
    if says_amp:
        options["acceptableProtocols"] = [b"amp"]
    return CertificateOptions(**options, **_versions(is_old))


def client_options(hostname, trust, is_old=False, says_amp=False):
    roots = trustRootFromCertificates([load(trust)])
    protocols = [b"amp"] if says_amp else None
    return optionsForClientTLS(
        hostname, roots, acceptableProtocols=protocols, extraCertificateOptions=_versions(is_old)
    )


def _versions(is_old):
    if not is_old:
        return {}
    return {"insecurelyLowerMinimumTo": TLSVersion.TLSv1_2, "lowerMaximumSecurityTo": TLSVersion.TLSv1_2}
