"""Appends one observation, with nothing but Python's standard library, and retries until it is answered.

    python3 examples/append.py STREAM TYPE DATA        the server is EVENT_STORE_URL

For example, an observation that no game is about; its type is one of the server's own:

    python3 examples/append.py botlog-dm_202611 command_error '{"command_name": "start",
        "error_code": "TIMEOUT", "error_message": "no answer", "user_id": "517400303631233767",
        "channel_id": "964224541917669459", "timestamp": "2026-11-20T18:00:00Z"}'
"""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("EVENT_STORE_URL", "http://127.0.0.1:4000/graphql")
GIVE_UP_AFTER_SECONDS = 60

APPEND = """mutation Append($input: AppendToStreamInput!) {
  appendToStream(input: $input) {
    __typename
    ... on Appended { version lastPosition duplicate }
    ... on Refusal { code message path }
  }
}"""


def post(body):
    """The answer as a dictionary; None where there was none, so that the outcome is unknown."""
    request = urllib.request.Request(URL, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=15) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        try:
            return json.load(refusal)
        except ValueError:
            return None
    except (OSError, ValueError):
        return None


def append(stream, event_type, data):
    # Built once: the same bytes, with the same event id, are sent until they are answered. ANY never
    # conflicts, so nothing needs to be read first.
    event = {"eventId": str(uuid.uuid4()), "type": event_type, "data": data}
    variables = {"input": {"stream": stream, "expectedVersion": {"state": "ANY"}, "events": [event]}}
    body = json.dumps({"query": APPEND, "variables": variables}, allow_nan=False).encode()
    deadline = time.monotonic() + GIVE_UP_AFTER_SECONDS
    pause = 0.05
    while True:
        answer = post(body)
        if answer is not None and not answer.get("errors"):
            return answer["data"]["appendToStream"]
        error = answer["errors"][0] if answer else {"message": "no answer", "extensions": {"retryable": True}}
        hints = error.get("extensions", {})
        if not hints.get("retryable") or time.monotonic() > deadline:
            sys.exit(f"{hints.get('code', 'NO_ANSWER')}: {error['message']}")
        print(f"again soon: {error['message']}", file=sys.stderr)
        time.sleep(hints.get("retryAfterMs", pause * 1000) / 1000 * random.uniform(0.5, 1.5))
        pause = min(pause * 2, 5)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        given = json.loads(sys.argv[3])
    except ValueError as reason:
        sys.exit(f"DATA is {sys.argv[3]!r}, which is not JSON: {reason}")
    outcome = append(sys.argv[1], sys.argv[2], given)
    print(json.dumps(outcome))
    sys.exit(0 if outcome["__typename"] == "Appended" else 1)
