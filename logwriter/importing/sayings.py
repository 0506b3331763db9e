"""What a format decides while it reads, each said once."""

from collections.abc import Iterator

from logwriter.importing.items import Noted


class Sayings:
    """Gathers what is to be said, for the place in the stream where it can be."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._unsaid: list[str] = []

    def say(self, text: str) -> None:
        """Say it, unless it was said before."""
        if text not in self._known:
            self._known.add(text)
            self._unsaid.append(text)

    def notes(self) -> Iterator[Noted]:
        """What is new since the last time."""
        unsaid, self._unsaid = self._unsaid, []
        yield from map(Noted, unsaid)
