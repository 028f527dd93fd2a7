import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChunkedBody, ChunkedBodyFault } from "./chunked-body.ts";

/** Decodes a text in pieces. @returns the data and what was left over */
function decode(text: string, piece = text.length) {
  const body = new ChunkedBody();
  const bytes = Buffer.from(text, "latin1");
  let data = "";
  let at = 0;
  while (at < bytes.length && !body.done) {
    const to = Math.min(bytes.length, at + piece);
    at = body.decode(bytes, at, to, (view) => {
      data += view.toString("latin1");
    });
  }
  return { data, done: body.done, trailers: body.trailers, rest: text.slice(at) };
}

test("chunks, extensions and trailers are told apart, whatever the pieces", () => {
  const text = '3;a="b"\r\nabc\r\n00A\r\n0123456789\r\n0;last\r\nX-Sum: 1\r\nX-B: 2\r\n\r\nrest';
  for (let piece = 1; piece <= text.length; piece += 1) {
    assert.deepEqual(decode(text, piece), { data: "abc0123456789", done: true, trailers: "X-Sum: 1\r\nX-B: 2", rest: "rest" }, `${piece}`);
  }
});

for (const [what, text] of Object.entries({
  "a chunk without a size": "\r\nabc\r\n",
  "a size that is no number": "g\r\n",
  "a signed size": "+3\r\nabc\r\n",
  "a prefixed size": "0x3\r\nabc\r\n",
  "a space before a size": " 3\r\nabc\r\n",
  "two sizes": "3 3\r\nabc\r\n",
  "no size before an extension": ";a\r\nabc\r\n",
  "a size beyond what is counted": "20000000000000\r\n",
  "a size beyond what is counted behind zeros": "00000000000000020000000000000\r\n",
  "a bare LF after the size": "3\nabc\r\n",
  "a bare CR after the size": "3\rabc\r\n",
  "a bare LF in an extension": "3;a\nb\r\nabc\r\n",
  "a chunk that is longer than its size": "3\r\nabcd\r\n",
  "a chunk that ends in CR": "3\r\nabc\r0\r\n\r\n",
  "a last size line that ends in LF": "0\n\r\n",
  "a control character in an extension": "3;a\0\r\nabc\r\n",
  "extensions without end": `3;${"x".repeat(20_000)}`,
  "zeros without end": "0".repeat(20_000),
  "blanks without end": `3${" \t".repeat(10_000)}`,
  "trailers without end": `0\r\nX: ${"x".repeat(20_000)}`,
})) {
  test(`E1-04 ${what} is a fault, in one piece and byte by byte`, () => {
    for (const piece of [text.length, 1]) assert.throws(() => decode(text, piece), ChunkedBodyFault);
  });
}

for (const [what, text] of Object.entries({
  "leading zeros": `${"0".repeat(40)}3\r\nabc\r\n${"0".repeat(20)}\r\n\r\n`,
  "a space before the line end": "3 \r\nabc\r\n0 \r\n\r\n",
  "tabs and spaces before the line end": "3\t  \t\r\nabc\r\n0\t\r\n\r\n",
  "blanks before a semicolon": "3 \t;a=b\r\nabc\r\n0 ;c\r\n\r\n",
  "blanks within an extension": '3; a = "b" \r\nabc\r\n0;\r\n\r\n',
  "an extension of no known form": "3;@{}==;;\r\nabc\r\n0\r\n\r\n",
  "a chunk that ends in LF": "3\r\nabc\n0\r\n\r\n",
  "a body that ends in LF": "3\r\nabc\r\n0\r\n\n",
})) {
  test(`T-41 ${what}: taken as Envoy takes it, in one piece and byte by byte`, () => {
    for (const piece of [text.length, 1]) assert.deepEqual(decode(text, piece), { data: "abc", done: true, trailers: "", rest: "" });
  });
}

test("T-41 extensions are bounded for each chunk, not for the body: a signature a chunk is no fault, however long the body", () => {
  const chunks = `1;chunk-signature=${"a".repeat(64)}\r\nx\r\n`.repeat(1_000);
  assert.equal(decode(`${chunks}0\r\n\r\n`).data.length, 1_000);
});

test("T-37 trailers whose lines end with LF are read, and the connection is known to be of that kind", () => {
  const body = new ChunkedBody();
  const bytes = Buffer.from("0\r\nX-A: 1\nX-B: 2\n\n");
  assert.equal(
    body.decode(bytes, 0, bytes.length, () => {}),
    bytes.length,
  );
  assert.deepEqual([body.trailers, body.isLoose], ["X-A: 1\r\nX-B: 2", true]);
});

test("what is encoded is decoded, in pieces of any size", () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.tuple(chunks, fc.nat(40), fc.string({ maxLength: 5, unit: "grapheme-ascii" })), ([parts, size, rest]) => {
      const texts = parts.map((part) => Buffer.from(part).toString("latin1"));
      const encoded = texts.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join("");
      const decoded = decode(`${encoded}0\r\n\r\n${rest}`, size + 1);
      assert.deepEqual(decoded, { data: texts.join(""), done: true, trailers: "", rest });
    }),
  );
});

test("T-09 chunks of one byte that come together are passed on together, those too that come before a fault", () => {
  for (const [end, isFault] of [
    ["0\r\n\r\n", false],
    ["fault", true],
  ] as const) {
    const bytes = Buffer.from(`${"1\r\nx\r\n".repeat(1_000)}${end}`);
    const taken: string[] = [];
    const decodeAll = () => new ChunkedBody().decode(bytes, 0, bytes.length, (data) => taken.push(data.toString("latin1")));

    if (isFault) assert.throws(decodeAll, ChunkedBodyFault);
    else decodeAll();

    assert.deepEqual(taken, ["x".repeat(1_000)]);
  }
});
