"""A call's body as a file, read as it arrives."""

from io import BufferedReader, RawIOBase


def opened(call):
    return BufferedReader(_Input(call), 65_536)


class _Input(RawIOBase):
    def __init__(self, call):
        self._call = call
        self._rest = b""

    def readable(self):
        return True

    def readinto(self, into):
        rest = self._rest or self._call.read_piece()
        count = min(len(rest), len(into))
        into[:count] = rest[:count]
        self._rest = rest[count:]
        return count
