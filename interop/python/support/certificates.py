"""Certificates made when they are needed; nothing secret is kept anywhere."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.ssl import Certificate, PrivateCertificate


class Authority:
    """A certificate authority in a folder of its own, and the certificates it signs."""

    def __init__(self, folder, name):
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._made = 0
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        certificate = (
            _builder(self._name, self._name, self._key, expired=False)
            .add_extension(constraints, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = _pem(certificate)
        self.file = self._write("ca.pem", self.pem)
        self.certificate = Certificate.loadPEM(self.pem)

    def server(self, host="localhost", expired=False):
        """A server's certificate: the paths of its PEM files, and the pair for Twisted."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = [x509.DNSName(host)]
        if host == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        certificate = (
            _builder(subject, self._name, key, expired)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._made += 1
        return ServerCertificate(
            self._write(f"server{self._made}.pem", _pem(certificate)),
            self._write(f"server{self._made}.key", key_pem),
            PrivateCertificate.loadPEM(_pem(certificate) + key_pem),
        )

    def _write(self, name, content):
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path


class ServerCertificate:
    def __init__(self, cert_file, key_file, pair):
        self.cert_file = cert_file
        self.key_file = key_file
        self.pair = pair


def _builder(subject, issuer, key, expired):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * day)
        .not_valid_after(now - day if expired else now + 10 * day)
    )


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
