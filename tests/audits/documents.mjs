// Judges GraphQL documents with the reference implementation. Reads a JSON object from stdin:
//
//   { "schema": "the schema in SDL", "documents": [{ "place": "file:line", "text": "…" }] }
//
// Prints every fault with its place, or how many documents are valid. The exit status is 0 when all
// are, 1 when one is not or the schema cannot be read.
import { buildSchema, parse, validate, validateSchema } from 'graphql';

let input = '';
for await (const chunk of process.stdin) {
  input += chunk;
}
const { schema: text, documents } = JSON.parse(input);

const schema = buildSchema(text);
const faults = validateSchema(schema).map((error) => `schema.graphql: ${error.message}`);
for (const { place, text } of documents) {
  faults.push(...faultsOf(text).map((message) => `${place}: ${message}`));
}

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
} else {
  console.log(`${documents.length} documents are valid`);
}

function faultsOf(text) {
  try {
    return validate(schema, parse(text)).map((error) => error.message);
  } catch (error) {
    return [error.message];
  }
}
