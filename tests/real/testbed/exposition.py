"""What a program exposes to Prometheus, read by Prometheus' own parser for Python."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

Labels = dict[str, str]


class Exposition:
    """One scrape. Values are floats, as Prometheus keeps them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples: dict[str, list[tuple[Labels, float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def __iter__(self) -> Iterator[tuple[str, Labels, float]]:
        """Every sample: name, labels, value."""
        for name, samples in self._samples.items():
            for labels, value in samples:
                yield name, labels, value

    def all(self, name: str, **labels: str) -> list[tuple[Labels, float]]:
        """The samples of a name that bear these labels among others."""
        wanted = labels.items()
        return [(own, value) for own, value in self._samples.get(name, []) if wanted <= own.items()]

    def has(self, name: str, **labels: str) -> bool:
        """Whether there is such a sample."""
        return bool(self.all(name, **labels))

    def value(self, name: str, **labels: str) -> float:
        """The value of the one sample that bears these labels among others. Raises LookupError."""
        found = self.all(name, **labels)
        if len(found) != 1:
            raise LookupError(f"{len(found)} samples of {name} {labels}: {found[:5]}")
        return found[0][1]

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Values of a name, keyed by one of its labels."""
        return {own[label]: value for own, value in self.all(name, **labels)}
