"""The checks of an `interop_server`, in groups; importing the package collects them."""

from .trial import CHECKS
from . import commands, types, errors, wire, concurrency, neighbors, ending, tls, switch

__all__ = ["CHECKS"]
