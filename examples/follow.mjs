// A panel that follows the log and misses nothing: it keeps the cursor of the last message that it has
// dealt with in a file, and begins there after a lost connection or a restart of its own.
//
//   node examples/follow.mjs [CATEGORY]              Node 22 or newer; the server is EVENT_STORE_URL
//   node --experimental-websocket examples/follow.mjs [CATEGORY]            Node 20.10 or newer

import { readFileSync, renameSync, writeFileSync } from "node:fs";

const url = (process.env.EVENT_STORE_URL ?? "http://127.0.0.1:4000/graphql").replace(/^http/, "ws");
const filter = process.argv[2] ? { categories: [process.argv[2]] } : {};
const cursorFile = process.env.CURSOR_FILE ?? "follow.cursor";

const FOLLOW = `subscription Follow($from: StartFrom!, $filter: EventFilter!) {
  events(from: $from, filter: $filter) {
    __typename
    ... on FeedPoint { cursor position }
    ... on EventReceived { event { streamName streamVersion type data } }
  }
}`;

// Close codes after which the same client will be refused in the same way.
const FATAL = [4400, 4401, 4406, 4409, 4429];

let cursor = load();

// What the program is for. It may see an event again after a crash (the cursor is written after it), so
// it must not matter if it does: this one only prints.
function handle(message) {
  if (message.__typename !== "EventReceived") {
    console.log(`# ${message.__typename} at ${message.position}`);
    return;
  }
  const { streamName, streamVersion, type, data } = message.event;
  console.log(`${message.position}  ${streamName}@${streamVersion}  ${type}  ${JSON.stringify(data)}`);
}

// One connection, from its handshake to its end. True if it got as far as a message.
function connectOnce() {
  return new Promise((resolve, reject) => {
    let gotSomewhere = false;
    let silent = false;
    const socket = new WebSocket(url, "graphql-transport-ws");
    const send = (message) => socket.send(JSON.stringify(message));
    const end = () => {
      clearInterval(watch);
      resolve(gotSomewhere);
    };
    // A network that goes away says nothing at all, so a question without an answer ends the connection.
    const watch = setInterval(() => {
      if (silent || socket.readyState !== WebSocket.OPEN) {
        console.error("# no sign of the server");
        socket.close();
        return end();
      }
      silent = true;
      send({ type: "ping" });
    }, 15_000);
    socket.onopen = () => send({ type: "connection_init" });
    socket.onmessage = ({ data }) => {
      silent = false;
      const { type, payload } = JSON.parse(data);
      if (type === "ping") send({ type: "pong" });
      if (type === "connection_ack") {
        const from = cursor ? { cursor } : { at: "ORIGIN" };
        send({ id: "1", type: "subscribe", payload: { query: FOLLOW, variables: { from, filter } } });
      }
      // A refused subscription: `error` by the protocol's text, errors in `next` from this server today.
      const errors = type === "error" ? payload : payload?.errors;
      if (errors) {
        reject(new Error(`${errors[0].extensions?.code}: ${errors[0].message}`));
        socket.close();
      } else if (type === "next") {
        gotSomewhere = true;
        handle(payload.data.events);
        cursor = payload.data.events.cursor;
        store(cursor);
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (FATAL.includes(code)) reject(new Error(`closed with ${code}: ${reason}`));
      console.error(`# disconnected (${code} ${reason})`);
      end();
    };
    // Node 20 says nothing more than this when it cannot connect; later versions also say `close`.
    socket.onerror = end;
  });
}

function load() {
  try {
    return readFileSync(cursorFile, "utf8");
  } catch {
    return null;
  }
}

// Complete or not at all: half a cursor would be refused.
function store(cursor) {
  writeFileSync(`${cursorFile}.new`, cursor);
  renameSync(`${cursorFile}.new`, cursorFile);
}

let pauseMs = 100;
for (;;) {
  pauseMs = (await connectOnce()) ? 100 : Math.min(pauseMs * 2, 10_000);
  await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
}
