"""What the interop programs share."""
