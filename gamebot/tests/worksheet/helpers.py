"""What the parts of the worksheet share."""

from datetime import datetime, timedelta, timezone


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def written(at):
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ratio(above, below):
    """above / below, or None when there is nothing below."""
    return above / below if below else None


def id_order(text):
    """Ids compare by length, then by bytes."""
    return (len(text), text.encode())


def microseconds(span):
    return span // timedelta(microseconds=1)
