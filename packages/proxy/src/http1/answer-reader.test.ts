import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { AnswerReader } from "./answer-reader.ts";

/** What became of the bytes of an answer. */
interface Outcome {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

/**
 * Reads an answer in pieces with our reader.
 *
 * @returns undefined for a fault or an answer that is not complete
 */
function readOurs(method: string, text: string, piece: number): Outcome | undefined {
  const reader = new AnswerReader();
  const bytes = Buffer.from(text, "latin1");
  let outcome: { status: number; headers: string[]; body: string } | undefined;
  let complete = false;
  reader.expect(method, {
    onInterim() {},
    onAnswer({ status, fields }) {
      outcome = { status, headers: fields, body: "" };
    },
    onData(data) {
      if (outcome !== undefined) outcome.body += data.toString("latin1");
    },
    onEnd() {
      complete = true;
    },
  });
  try {
    for (let at = 0; at < bytes.length && !complete; at += piece) reader.read(bytes.subarray(at, at + piece));
    if (!complete) complete = reader.end();
  } catch {
    return undefined;
  }
  return complete ? outcome : undefined;
}

/** The same with node:http's parser (llhttp), over a connection that is not one. */
function readTheirs(method: string, text: string): Promise<Outcome | undefined> {
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback() });
  const outgoing = request({ method, createConnection: () => connection, path: "/" });
  return new Promise((resolve) => {
    outgoing.on("error", () => setImmediate(() => resolve(undefined)));
    outgoing.on("response", (incoming) => {
      let body = "";
      incoming
        .on("error", () => {})
        .on("data", (data: Buffer) => {
          body += data.toString("latin1");
        });
      // What comes after an answer that was complete makes node:http report an error, too; ours
      // drops the connection.
      incoming.on("close", () => resolve(incoming.complete ? outcomeOf(incoming, body) : undefined));
    });
    outgoing.end();
    connection.push(Buffer.from(text, "latin1"));
    connection.push(null);
  });
}

function outcomeOf({ statusCode = 0, rawHeaders }: IncomingMessage, body: string): Outcome {
  return { status: statusCode, headers: rawHeaders, body };
}

const HOP_BY_HOP = new Set(["connection", "transfer-encoding", "keep-alive", "trailer", "te", "upgrade"]);

/**
 * What both must agree on: ours leaves out the hop-by-hop fields, and the Content-Length of a 204.
 */
function endToEnd({ status, headers, body }: Outcome): Outcome {
  const isLeftOut = (name: string) => HOP_BY_HOP.has(name) || (status === 204 && name === "content-length");
  return { status, headers: headers.filter((_, i) => !isLeftOut((headers[i - (i % 2)] ?? "").toLowerCase())), body };
}

/**
 * An answer with what we take beyond llhttp put as it wants it: lines of the header that end with
 * LF, blanks in the status line, size lines with blanks or extensions, and the zeros in front of a
 * length, which we take off. What cannot be put so stays, for both to refuse.
 */
function tidied(method: string, text: string): string {
  let tidy = "";
  let rest = text;
  for (;;) {
    const end = /\n\r?\n/.exec(rest);
    if (end === null) return tidy + rest;
    const [fields, next] = [rest.indexOf("\n") + 1, end.index + end[0].length];
    const head = withFullLineEnds(rest.slice(0, fields)) + unfolded(rest.slice(fields, next));
    rest = rest.slice(next);
    const words = head.replace(/^(HTTP\/1\.[01])[ \t]+(\d\d\d)[ \t]?/, "$1 $2 ").replace(/^(content-length:[ \t]*)0+(?=\d)/gim, "$1");
    if (!/^HTTP\/1\.[01] 1\d\d/.test(words)) return tidy + words + (isChunked(method, head) ? tidiedChunks(rest) : rest);
    // We go on behind any interim answer; llhttp does not where its header says that the connection
    // ends.
    tidy += words.replace("HTTP/1.0", "HTTP/1.1").replace(/\r\nconnection:[^\r]*/gi, "");
  }
}

/**
 * The fields of a header or of trailers. RFC 9112 §5.2: a fold is one blank; the first line
 * continues nothing.
 */
function unfolded(fields: string): string {
  return withFullLineEnds(fields).replace(/[ \t]*\r\n[ \t]+/g, " ");
}

function withFullLineEnds(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

function isChunked(method: string, head: string): boolean {
  return method !== "HEAD" && /\r\ntransfer-encoding:\s*chunked\s*\r\n/i.test(head) && !/^HTTP\/1\.[01]\s+(?:204|304)/.test(head);
}

function tidiedChunks(text: string): string {
  const line = /^0*([0-9a-f]+)[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n/i.exec(text);
  if (line === null) return text;
  const size = Number.parseInt(line[1] ?? "0", 16);
  if (size === 0) return `${line[1]}\r\n${tidiedTrailers(text.slice(line[0].length))}`;
  const to = line[0].length + size;
  const end = /^\r?\n/.exec(text.slice(to));
  if (end === null) return text;
  return `${line[1]}\r\n${text.slice(line[0].length, to)}\r\n${tidiedChunks(text.slice(to + end[0].length))}`;
}

/**
 * RFC 9110 §6.5.1: we leave framing fields out of trailers, as Envoy does. llhttp refuses the
 * answer. What comes behind the answer stays as it is.
 */
function tidiedTrailers(text: string): string {
  const end = /^\r?\n|\n\r?\n/.exec(text);
  if (end === null) return text;
  const next = end.index + end[0].length;
  return unfolded(text.slice(0, next)).replace(/^(?:content-length|transfer-encoding):.*\r\n/gim, "") + text.slice(next);
}

const ANSWERS = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n",
  "HTTP/1.0 200 OK\r\nX-A: \t 1 \r\n\r\nuntil the end",
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
  "HTTP/1.1 200 OK\nX-A: 1\nTransfer-Encoding: chunked\n\n03 ;x\r\nabc\n0\r\nX-T: 1\n\n",
];
/**
 * No tab: llhttp does not take it off the end of `chunked`, which RFC 9110 §5.5 wants, and reads on
 * until the connection closes.
 */
const PIECES = [
  "\r",
  "\n",
  "\r\n",
  " ",
  ":",
  "0",
  "1",
  ",",
  ";",
  "\0",
  "chunked",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "\xff",
  "+",
];

/** A good answer with a few bytes replaced, inserted or taken out. */
const mutated = fc.tuple(
  fc.constantFrom(...ANSWERS),
  fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 2 }), fc.constantFrom(...PIECES)), { maxLength: 3 }),
);

function mutate(answer: string, changes: readonly (readonly [number, number, string])[]): string {
  return changes.reduce((text, [at, removed, inserted]) => {
    const position = at % (text.length + 1);
    return text.slice(0, position) + inserted + text.slice(position + removed);
  }, answer);
}

test("E1-16 what node:http's parser refuses of a tidied answer is refused, and what both accept is read alike, in pieces of any size", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(mutated, fc.constantFrom("GET", "HEAD"), fc.integer({ min: 1, max: 80 }), async ([answer, changes], method, piece) => {
      const text = mutate(answer, changes);
      const ours = readOurs(method, text, piece);
      assert.deepEqual(readOurs(method, text, text.length), ours, "the size of the pieces decided");
      if (ours === undefined) return;
      const theirs = await readTheirs(method, tidied(method, text));
      assert.ok(theirs !== undefined, `only we accept ${JSON.stringify(text)}`);
      assert.deepEqual(endToEnd(ours), endToEnd(theirs), JSON.stringify(text));
    }),
    {
      numRuns: 2_000,
      examples: [
        [["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", [[33, 0, "0"]]], "GET", 1],
        [
          [
            ANSWERS[1] ?? "",
            [
              [50, 2, "\r"],
              [74, 0, "Content-Length: 3\r\n"],
            ],
          ],
          "GET",
          1,
        ],
        [[ANSWERS[2] ?? "", [[24, 0, "2\r\n \r\n\t "]]], "GET", 1],
        [[ANSWERS[5] ?? "", [[65, 0, "Content-Length: 3\r\n"]]], "GET", 1],
        [[ANSWERS[5] ?? "", [[73, 0, " "]]], "GET", 1],
      ],
    },
  );
});

test("each answer of the list is read as node:http reads it", async () => {
  for (const text of ANSWERS) {
    const theirs = await readTheirs("GET", tidied("GET", text));
    assert.deepEqual(readOurs("GET", text, 7)?.body, theirs?.body ?? assert.fail(text), text);
  }
});
