#!/usr/bin/env python3
"""
The guide's basic_server: something to connect to that speaks AMP and knows no command.

It differs from the guide in that it is a program rather than an application file for `twistd`,
listens on the loopback interface alone, and says on which port.
"""

from listening import serve
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP

if __name__ == "__main__":
    factory = Factory()
    factory.protocol = AMP
    serve(__doc__, factory)
