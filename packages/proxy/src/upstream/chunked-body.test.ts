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
  "a space before the line end": "3 \r\nabc\r\n",
  "a size beyond what is counted": "10000000000000\r\n",
  "a bare LF after the size": "3\nabc\r\n",
  "a bare CR after the size": "3\rabc\r\n",
  "a bare LF in an extension": "3;a\nb\r\nabc\r\n",
  "a chunk that is longer than its size": "3\r\nabcd\r\n",
  "a chunk that ends in LF": "3\r\nabc\n0\r\n\r\n",
  "extensions without end": `3;${"x".repeat(20_000)}`,
  "trailers without end": `0\r\nX: ${"x".repeat(20_000)}`,
})) {
  test(`E1-04 ${what} is a fault, in one piece and byte by byte`, () => {
    for (const piece of [text.length, 1]) assert.throws(() => decode(text, piece), ChunkedBodyFault);
  });
}

test("E1-04 an LF alone does not end the trailers", () => {
  assert.equal(decode("0\r\n\n").done, false);
  assert.equal(decode("0\r\nX: 1\n\n").done, false);
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
