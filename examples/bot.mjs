// A bot that appends safely: each round it decides on what it has read, appends at the version that it
// has seen, sends the same request again until it is answered, and decides again on a conflict.
//
//   node examples/bot.mjs [RUNS] [STREAM]            Node 20 or newer; the server is EVENT_STORE_URL
//
// Start it several times at once on one stream: the totals in the stream still count up without a gap.

const url = process.env.EVENT_STORE_URL ?? "http://127.0.0.1:4000/graphql";
const runs = Number(process.argv[2] ?? 5);
const stream = process.argv[3] ?? "tally-example";
const giveUpAfterMs = 60_000;

// The type of its events. Every bot may say so at every start: the same again is a success that writes nothing.
const REGISTER = `mutation Register($input: RegisterEventTypeInput!) {
  registerEventType(input: $input) {
    __typename
    ... on Refusal { code message }
  }
}`;

const TALLY_COUNTED = {
  name: "tally_counted",
  version: 1,
  schema: { type: "object", required: ["total"], properties: { total: { type: "integer", minimum: 1 } } },
  description: "Somebody has counted one further.",
  metadata: { source: "system", source_id: "system:example" },
};

const READ = `query Read($stream: String!, $after: String) {
  stream(name: $stream) {
    version
    events(first: 1000, after: $after) {
      nodes { streamVersion type data }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

const APPEND = `mutation Append($input: AppendToStreamInput!) {
  appendToStream(input: $input) {
    __typename
    ... on Appended { version duplicate }
    ... on WrongExpectedVersion { actual conflictingEvents(first: 1000) { streamVersion type data } }
    ... on Refusal { code message retryable path }
  }
}`;

// The state is folded from the events and from nothing else.
const fold = (state, event) => ({
  version: event.streamVersion,
  total: event.type === "tally_counted" ? event.data.total : state.total,
});

// The decision: from a state to new events. It has no side effects, because a conflict repeats it.
const decide = (state) => [
  {
    eventId: crypto.randomUUID(),
    type: "tally_counted",
    data: { total: state.total + 1 },
    metadata: { source: "system", source_id: "system:example", client_version: "example-1" },
  },
];

// One request, sent again with the same bytes until it is answered or too old. That is safe for queries,
// and for appends because of their event ids: what is stored already is not stored again.
async function request(query, variables) {
  const body = JSON.stringify({ query, variables });
  const giveUpAt = Date.now() + giveUpAfterMs;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    const { data, failure, retryable, retryAfterMs } = await attempt(body);
    if (data) return data;
    if (!retryable || Date.now() > giveUpAt) throw new Error(failure);
    console.error(`again soon: ${failure}`);
    await sleep((retryAfterMs ?? pauseMs) * (0.5 + Math.random()));
  }
}

async function attempt(body) {
  let response, answer;
  try {
    const headers = { "content-type": "application/json" };
    response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(15_000) });
    answer = await response.json();
  } catch (error) {
    // No answer, or half of one: the outcome is unknown, and only the same request again can tell it.
    return { failure: String(error.cause ?? error), retryable: true };
  }
  const error = answer.errors?.[0];
  if (!error) return { data: answer.data };
  const { code, retryable, retryAfterMs, traceId } = error.extensions ?? {};
  return { failure: `${code}: ${error.message} (trace ${traceId})`, retryable, retryAfterMs };
}

async function read() {
  let state = { version: 0, total: 0 };
  for (let after = null; ; ) {
    const { stream: found } = await request(READ, { stream, after });
    if (!found) return state;
    state = found.events.nodes.reduce(fold, state);
    if (!found.events.pageInfo.hasNextPage) return state;
    after = found.events.pageInfo.endCursor;
  }
}

async function decideAndAppend(state) {
  for (;;) {
    const events = decide(state);
    const input = { stream, expectedVersion: { exactly: state.version }, events };
    const { appendToStream: outcome } = await request(APPEND, { input });
    if (outcome.__typename === "Appended") {
      const how = outcome.duplicate ? "stored by an earlier try" : "stored";
      console.log(`version ${outcome.version}: total ${events[0].data.total}, ${how}`);
      return { version: outcome.version, total: events[0].data.total };
    }
    if (outcome.__typename !== "WrongExpectedVersion") throw new Error(`${outcome.code}: ${outcome.message}`);
    // Somebody was faster. The answer brings what we missed: fold it and decide again, with new ids.
    console.log(`version ${state.version} is now ${outcome.actual}: deciding again`);
    state = outcome.conflictingEvents.reduce(fold, state);
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const { registerEventType: registered } = await request(REGISTER, { input: TALLY_COUNTED });
if (registered.__typename !== "EventTypeRegistered") throw new Error(`${registered.code}: ${registered.message}`);

let state = await read();
for (let run = 0; run < runs; run++) state = await decideAndAppend(state);
