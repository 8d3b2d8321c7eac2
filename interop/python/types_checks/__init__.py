"""What types_peer.py asserts about the server it connects to."""

from .trial import CHECKS
from . import values, errors, directions

__all__ = ["CHECKS"]
