#!/usr/bin/env python3
"""
The guide's UserRegistration, a locator of its own, behind a listening port.

It differs from the guide in three ways. `register` gives a dictionary, since Twisted refuses a
bare number. One locator serves all connections, so that the numbers go on. The files lie in a
folder of their own, and a name that is not a plain file name is refused as taken.
"""

import tempfile

from listening import listen, port_argument
from registration import RegisterUser, UsernameUnavailable
from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, CommandLocator
from twisted.python.filepath import FilePath, InsecurePath


class UserRegistration(CommandLocator):
    uidCounter = 0

    def __init__(self, folder):
        self.folder = FilePath(folder)

    @RegisterUser.responder
    def register(self, username, publickey):
        try:
            path = self.folder.child(username)
        except InsecurePath:
            raise UsernameUnavailable(f"not a plain name: {username}")
        if path.exists():
            raise UsernameUnavailable(f"there is already a user {username}")
        self.uidCounter += 1
        path.setContent(b"%d %s\n" % (self.uidCounter, publickey))
        return {"uid": self.uidCounter}


def main():
    parser = port_argument(__doc__)
    parser.add_argument("--folder", help="where the files go (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        registration = UserRegistration(options.folder or temporary)
        factory = Factory()
        factory.protocol = lambda: AMP(locator=registration)
        listen(options, factory)


if __name__ == "__main__":
    main()
