import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endOfHead, faultOfBeginning, withFullLineEnds } from "./head-end.ts";

/**
 * Judges a text piece by piece, as the reader does.
 *
 * @returns the fault, and the bytes after which it was found
 */
function judge(text: string, piece: number): { fault: string; after: number } | undefined {
  const bytes = Buffer.from(text, "latin1");
  for (let from = 0; from < bytes.length; from += piece) {
    const kept = bytes.subarray(0, from + piece);
    const fault = faultOfBeginning(kept, from, endOfHead(kept, from));
    if (fault !== undefined) return { fault, after: kept.length };
  }
  return undefined;
}

for (const [what, text, after] of [
  ["an SSH greeting", "SSH-2.0-OpenSSH_9.2p1\r\n", 1],
  ["an SMTP greeting", "220 mail ESMTP\r\n", 1],
  ["an answer without a version", "200 OK\r\nContent-Length: 0\r\n\r\n", 1],
  ["a MySQL greeting", "J\0\0\0\x0a8.0.36\0", 1],
  ["a TLS alert", "\x15\x03\x01\0\x02\x02\x46", 1],
  ["HTTP/2 SETTINGS", "\0\0\0\x04\0\0\0\0\0", 1],
  ["a page without a header", "<!doctype html>", 1],
  ["an empty line", "\r\nHTTP/1.1 200 OK\r\n\r\n", 1],
  ["what begins as HTTP does", "Hello", 2],
  ["HTTP/2 in words", "HTTP/2 200\r\n\r\n", 6],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", 6],
  ["HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", 8],
  ["no status", "HTTP/1.1 OK\r\n\r\n", 10],
  ["a status of two digits", "HTTP/1.1 20\r\n\r\n", 12],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 13],
  ["blanks without end", `HTTP/1.1${" ".repeat(70)}`, 64],
  ["zeros behind the status line", "HTTP/1.1 200 OK\r\n\0\0\0", 18],
  ["lines that end with CR", "HTTP/1.1 200 OK\rX-A: 1\r", 17],
] as const) {
  test(`T-37 ${what} is known for no HTTP after ${after} bytes`, () => {
    assert.equal(judge(text, 1)?.after, after);
    assert.ok(judge(text, text.length));
  });
}

test("T-37 the fault shows how it begins, so that the log names what speaks there", () => {
  assert.match(judge("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 5)?.fault ?? "", /begins with "SSH-2"/);
});

const line = fc.constantFrom("X-A: 1", "Content-Length: 5", "Server: x\ty", "X-B: \xe4", "X-Empty:");
const lineEnd = fc.constantFrom("\r\n", "\n");
const statusLine = fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.0 404", "HTTP/1.1  503\tBusy", "HTTP/1.1 100 ");
const head = fc
  .tuple(statusLine, fc.array(line, { maxLength: 4 }), fc.infiniteStream(lineEnd))
  .map(([first, fields, ends]) => [first, ...fields, ""].map((text) => text + ends.next().value).join(""));

test("T-37 no header is judged wrongly, and its end is found, whatever the line ends and the pieces", () => {
  fc.assert(
    fc.property(head, fc.constantFrom("", "hello", "\r\n\r\n", "\n\n"), fc.integer({ min: 1, max: 60 }), (text, body, piece) => {
      const bytes = Buffer.from(text + body, "latin1");
      assert.equal(judge(text, piece), undefined);
      let end: number | undefined;
      for (let from = 0; end === undefined; from += piece) end = endOfHead(bytes.subarray(0, from + piece), from);
      assert.equal(end, text.length);
      assert.doesNotMatch(withFullLineEnds(text), /(?<!\r)\n/);
    }),
  );
});
