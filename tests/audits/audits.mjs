// Runs the audits of GraphQL over HTTP against a server:
//
//   node audits.mjs http://127.0.0.1:4000/graphql
//
// Prints a line per audit and a summary as JSON on the last line. The exit status is 0 when every
// audit is `ok`, 1 when one is not (a recommendation counts like a requirement), 2 when the audits
// could not be run.
import { serverAudits } from 'graphql-http';

/** A change of this number is a change of the standard that we promise, and deserves a look. */
const EXPECTED_AUDITS = 61;

/** How long the server may take over one request, in milliseconds. */
const REQUEST_DEADLINE = 10_000;

const [url, ...rest] = process.argv.slice(2);
if (!url || rest.length > 0) {
  console.error('usage: node audits.mjs URL');
  process.exit(2);
}

const fetchFn = (target, init) =>
  fetch(target, { ...init, signal: AbortSignal.timeout(REQUEST_DEADLINE) });

const counts = { ok: 0, notice: 0, warn: 0, error: 0 };
for (const audit of serverAudits({ url, fetchFn })) {
  const { status, reason } = await run(audit);
  counts[status] += 1;
  console.log(`${status.padEnd(6)} ${audit.id} ${audit.name}${reason ? `: ${reason}` : ''}`);
}

const total = Object.values(counts).reduce((sum, count) => sum + count);
const passed = total === EXPECTED_AUDITS && counts.ok === total;
console.log(JSON.stringify({ url, passed, expected: EXPECTED_AUDITS, total, ...counts }));
// Not process.exit(): that would cut what is still on its way into a pipe.
process.exitCode = passed ? 0 : 1;

/** An audit throws when no answer can be had at all. */
async function run(audit) {
  try {
    const result = await audit.fn();
    if (result.status === 'ok') {
      return result;
    }
    return { status: result.status, reason: `${result.reason}; ${await shown(result.response)}` };
  } catch (error) {
    return { status: 'error', reason: String(error.cause ?? error) };
  }
}

/** The answer in one line. */
async function shown(response) {
  const body = response.bodyUsed ? '(body read by the audit)' : await response.text();
  const type = response.headers.get('content-type');
  return `answered ${response.status} ${type} ${JSON.stringify(body.slice(0, 300))}`;
}
