"""A page as its tags and its text."""

from html.parser import HTMLParser


class Outline(HTMLParser):
    """Tags, attributes and text of a page; a run of white space is one space."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        self.text = " ".join(self.text.split())
        self.skeleton = [(tag, list(attributes)) for tag, attributes in self.tags]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str]:
        """Where its links lead."""
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]
