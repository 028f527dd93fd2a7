import assert from "node:assert/strict";
import { test } from "node:test";
import { isPersistent, parseAnswerHead, parseTrailers } from "./answer-head.ts";

function head(text: string) {
  const parsed = parseAnswerHead(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

test("fields keep their case, order and duplicates; white space around values goes", () => {
  const { status, reason, fields } = head("HTTP/1.1 404 Not  Here\r\nX-B: 2\r\nx-a:\t 1 \r\nX-B:3\r\nX-Empty:");
  assert.deepEqual([status, reason, fields], [404, "Not  Here", ["X-B", "2", "x-a", "1", "X-B", "3", "X-Empty", ""]]);
});

test("a status line may do without a reason, and without the space before it", () => {
  assert.equal(head("HTTP/1.1 200 ").status, 200);
  assert.equal(head("HTTP/1.0 204").minor, 0);
});

test("T-37 a status line is read by words, as Envoy reads it", () => {
  assert.deepEqual([head("HTTP/1.1  200 OK").status, head("HTTP/1.1\t200\tOK").reason], [200, "OK"]);
});

test("T-42 an interim answer has no Content-Length, and Keep-Alive may stand twice", () => {
  assert.deepEqual(head("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nX-A: 1").fields, ["X-A", "1"]);
  for (const framing of ["Content-Length: x", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: gzip"])
    for (const status of ["103 Early Hints", "101 Switching Protocols"])
      assert.deepEqual(head(`HTTP/1.1 ${status}\r\n${framing}\r\nX-A: 1`).fields, ["X-A", "1"]);
  assert.equal(head("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nKeep-Alive: max=9").keepAlive, "timeout=5, max=9");
});

for (const [what, text] of Object.entries({
  "a version of another major number": "HTTP/2.0 200 OK",
  "a status of two digits": "HTTP/1.1 20 OK",
  "a status below 100": "HTTP/1.1 099 OK",
  "no blank before the status": "HTTP/1.1200 OK",
  "a name that is no token": "HTTP/1.1 200 OK\r\nX A: 1",
  "no name": "HTTP/1.1 200 OK\r\n: 1",
  "no colon": "HTTP/1.1 200 OK\r\nX-A",
  "a colon in the next line only": "HTTP/1.1 200 OK\r\nX-A\r\nX-B: 1",
  "a folded line": "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2",
  "a bare CR": "HTTP/1.1 200 OK\r\nX-A: 1\r2",
  "a bare LF": "HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2",
  "DEL in a value": "HTTP/1.1 200 OK\r\nX-A: \x7f",
  "an empty line": "HTTP/1.1 200 OK\r\n\r\nX-A: 1",
  "a signed length": "HTTP/1.1 200 OK\r\nContent-Length: +1",
  "a hexadecimal length": "HTTP/1.1 200 OK\r\nContent-Length: 0x1",
  "an empty length": "HTTP/1.1 200 OK\r\nContent-Length:",
  "a length beyond 53 bits": "HTTP/1.1 200 OK\r\nContent-Length: 9007199254740993",
  "chunked twice": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
})) {
  test(`E1-16 ${what} is a fault`, () => assert.equal(typeof parseAnswerHead(text), "string"));
}

test("bytes beyond ASCII are relayed as they are", () => {
  assert.deepEqual(head("HTTP/1.1 200 \xfc\r\nX-A: \xe4\xff").fields, ["X-A", "\xe4\xff"]);
});

test("a connection persists as RFC 9112 §9.3 says", () => {
  for (const [text, persists] of [
    ["HTTP/1.1 200 OK", true],
    ["HTTP/1.1 200 OK\r\nConnection: Keep-Alive", true],
    ["HTTP/1.1 200 OK\r\nConnection: x, Close", false],
    ["HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close", false],
    ["HTTP/1.0 200 OK", false],
    ["HTTP/1.0 200 OK\r\nConnection: x, keep-alive", true],
  ] as const) {
    assert.equal(isPersistent(head(text)), persists, text);
  }
});

test("trailers that route, set cookies or frame the body are left out (RFC 9110 §6.5.1)", () => {
  assert.deepEqual(parseTrailers("Content-Length: 4\r\nTransfer-Encoding: chunked"), []);
  assert.deepEqual(parseTrailers("X-Sum: 1\r\nSet-Cookie: a\r\nUpgrade: h2c\r\nX-Sum: 2"), [
    ["X-Sum", "1"],
    ["X-Sum", "2"],
  ]);
  assert.equal(typeof parseTrailers("X-Sum 1"), "string");
});

test("T-10 an answer may have 1000 fields, as a request may, and no more", () => {
  const withFields = (count: number) => parseAnswerHead(`HTTP/1.1 200 OK${"\r\na:b".repeat(count)}`);
  assert.equal(typeof withFields(1_000), "object");
  assert.equal(withFields(1_001), "the header has more than 1000 fields");
});
