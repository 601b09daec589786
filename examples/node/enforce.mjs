// A VMS plugin in Node, made from the .proto files alone: sends JPEG pictures and says of each whether it may be shown.
//
//     npm ci
//     node enforce.mjs --target 127.0.0.1:50051 --camera sites/hq/cameras/lobby [--masked DIR] [--token T] 0.jpg 1.jpg ...
//
// Prints one JSON object a picture. With --masked, what may be shown of each picture is written to DIR. Exits 0 if every
// picture was answered, and 3 if not: those that were not are hidden, whatever they show.

import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const PROTO = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'proto');
const SECONDS_A_PICTURE = 1;
const ANSWER_WITHIN_MS = 5000;
const RETRIES = [500, 1000];
// Asking again with the same words gives the same answer.
const HOPELESS = [
  grpc.status.INVALID_ARGUMENT, grpc.status.NOT_FOUND, grpc.status.UNIMPLEMENTED,
  grpc.status.UNAUTHENTICATED, grpc.status.PERMISSION_DENIED, grpc.status.FAILED_PRECONDITION,
];

const { privacy: { v1 } } = grpc.loadPackageDefinition(
  loader.loadSync('privacy/v1/enforcement_service.proto', {
    includeDirs: [PROTO], longs: Number, enums: String, defaults: true, oneofs: true,
  }),
);

// The whole safety of a plugin is in this function: a picture is shown only if its own answer says so by name. proto-loader
// gives enum values that it does not know as numbers, and they are equal to no name.
export function shown(picture, result) {
  if (result?.verdict?.state !== 'VERDICT_STATE_CLEAR') {
    return result?.picture === 'masked' ? result.masked.data : null; // the server has painted it; null is a black frame
  }
  if (result.picture === 'masked') return result.masked.data;
  return result.picture === 'unchanged' ? picture : null;
}

// Streams pictures over one call. Returns an answer for each picture, null for those that were not answered.
export function enforce(client, metadata, camera, pictures) {
  return new Promise((resolve) => {
    const answers = pictures.map(() => null);
    const call = client.EnforceStream(metadata);
    let sent = 0, answered = 0, credits = 0, draining = false, patience;
    const end = (error) => {
      clearTimeout(patience);
      resolve({ answers, answered, error });
    };
    const wait = () => {
      clearTimeout(patience);
      patience = setTimeout(() => call.cancel(), ANSWER_WITHIN_MS);
    };
    const send = () => {
      while (!draining && sent < pictures.length && sent - answered < credits) {
        const captureOffset = { seconds: sent * SECONDS_A_PICTURE };
        call.write({ frame: { sequenceNumber: sent, captureOffset, data: pictures[sent] } });
        sent += 1;
      }
      if (draining || sent === pictures.length) call.end(); // half-closed: what is due still comes
    };
    call.on('data', (response) => {
      wait();
      switch (response.message) {
        case 'accepted':
          credits = Math.max(1, response.accepted.maxInFlight);
          break;
        case 'result':
          // Not the answer to the next picture, or to one that was never sent.
          if (answered === sent || response.result.sequenceNumber !== answered) return call.cancel();
          answers[answered] = response.result;
          answered += 1;
          break;
        case 'notice':
          draining ||= response.notice.kind === 'NOTICE_KIND_DRAINING';
          break;
        default:
          return; // news of a later version
      }
      send();
    });
    call.on('error', end);
    call.on('end', () => end(null));
    wait();
    call.write({
      config: { camera, format: { pixelFormat: 'PIXEL_FORMAT_JPEG' }, responseMode: 'RESPONSE_MODE_MASKED_FRAME' },
    });
  });
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: 'string', default: '127.0.0.1:50051' },
      camera: { type: 'string', default: 'sites/demo/cameras/node' },
      masked: { type: 'string' },
      token: { type: 'string' },
    },
  });
  const pictures = await Promise.all(positionals.map((path) => readFile(path)));
  const client = new v1.EnforcementService(values.target, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const metadata = new grpc.Metadata();
  if (values.token) metadata.set('authorization', `Bearer ${values.token}`);
  const answers = [];
  for (const retry of [...RETRIES, null]) {
    const { answers: got, answered, error } = await enforce(client, metadata, values.camera, pictures.slice(answers.length));
    answers.push(...got.slice(0, answered));
    if (answers.length === pictures.length) break;
    if (error) console.error(`stream lost: ${grpc.status[error.code]} ${error.details}`);
    if (retry === null || (error && HOPELESS.includes(error.code))) break;
    // A live plugin shows black meanwhile; here the pictures can wait. A new stream begins without history.
    await new Promise((resolve) => setTimeout(resolve, retry * (0.8 + 0.4 * Math.random())));
  }
  client.close();
  if (values.masked) await mkdir(values.masked, { recursive: true });
  for (const [index, path] of positionals.entries()) {
    const result = answers[index] ?? null;
    const may = shown(pictures[index], result);
    if (values.masked && may !== null) await writeFile(join(values.masked, basename(path)), may);
    console.log(JSON.stringify({
      file: path,
      state: result?.verdict?.state ?? 'NO_ANSWER',
      reason: result?.verdict?.reason ?? 'VERDICT_REASON_CONNECTION_LOST',
      asSent: may === pictures[index],
      clauses: result?.verdict?.legalBasis?.clauses?.map((clause) => clause.citation) ?? [],
    }));
  }
  return answers.length === pictures.length ? 0 : 3;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
