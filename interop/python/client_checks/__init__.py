"""The checks of an `interop_client`, in groups; importing the package collects them."""

from .trial import CHECKS
from . import calls, values, errors, wire, serving, ending, tls, switch

__all__ = ["CHECKS"]
