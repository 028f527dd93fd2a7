import { type Case, cases, get, HOST, post, SMUGGLED } from "./case.ts";

const HELLO = "5\r\nhello\r\n0\r\n\r\n";
const LENGTH = `Content-Length: ${SMUGGLED.length}\r\n`;

function upgrade(protocol: string, fields = ""): string {
  return get(`Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${fields}`);
}

/** Fields of one hop, upgrades, and requests in a row (RFC 9110 §7.6.1, §7.8; RFC 9112 §9.3). */
export const CONNECTION: readonly Case[] = [
  ...cases(8, 1, {
    "Connection names Content-Length": post(`Connection: content-length\r\n${LENGTH}`, SMUGGLED),
    "Connection names Content-Length among others": post(`Connection: keep-alive, Content-Length, x-a\r\n${LENGTH}`, SMUGGLED),
    "Connection names Content-Length on a second line": post(`Connection: keep-alive\r\nConnection: content-length\r\n${LENGTH}`, SMUGGLED),
    "Connection names Transfer-Encoding": post("Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n", HELLO),
    "Connection names Host": get("Connection: host\r\n"),
    "Connection names fields that do not exist": get("Connection: x-a, , ,x-b\r\n"),
    "Connection names itself": get("Connection: connection\r\n"),
    "Connection is no list of tokens": get("Connection: @;/ (x)\r\n"),
    "Connection is empty": get("Connection:\r\n"),
    "Keep-Alive": get("Connection: keep-alive\r\nKeep-Alive: timeout=5, max=1\r\n"),
    "Proxy-Connection": get("Proxy-Connection: keep-alive\r\n"),
    "TE with codings": get("Connection: TE\r\nTE: gzip, chunked;q=0.5\r\n"),
    "HTTP2-Settings": get("Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"),
    "Trailer that announces a length": post("Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n", HELLO),
    "Expect: 100-continue with content that did not wait": post(`Expect: 100-continue\r\n${LENGTH}`, SMUGGLED),
  }),
  ...cases(12, 1, {
    "an upgrade without content": upgrade("websocket"),
    "an upgrade to HTTP/2": upgrade("h2c", "HTTP2-Settings: AAMAAABk\r\n"),
    "an upgrade to what nobody knows": upgrade("frobnicate/1"),
    "Upgrade that Connection does not name": get("Upgrade: websocket\r\n"),
    "Connection names an upgrade that is not there": get("Connection: Upgrade\r\n"),
  }),
  ...cases(12, 1, {
    "an upgrade with content that is a request": post(`Connection: Upgrade\r\nUpgrade: websocket\r\n${LENGTH}`, SMUGGLED),
    "an upgrade with chunks": post("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", HELLO),
  }),
  ...cases(12, "refused", {
    "an upgrade with Content-Length and chunks": post(
      "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "0\r\n\r\n",
    ),
  }),
  ...cases(18, 2, {
    "two requests in a row": get() + get("", "/second"),
    "a HEAD and a request behind it": `HEAD /case HTTP/1.1\r\n${HOST}\r\n${get("", "/second")}`,
    "a request behind one with content": post("Content-Length: 5\r\n", "hello") + get("", "/second"),
    "an empty line between two requests": `${get()}\r\n${get("", "/second")}`,
  }),
  ...cases(18, 1, {
    "a malformed request behind a good one": `${get()}G@T /smuggled HTTP/1.1\r\n${HOST}\r\n`,
    "bytes behind a request": `${get()}\0\0\0`,
    "a request behind Connection: close": get("Connection: close\r\n") + SMUGGLED,
    "a request behind HTTP/1.0": `GET /case HTTP/1.0\r\n${HOST}\r\n${SMUGGLED}`,
    "a request without its end": `${get()}GET /smuggled HTTP/1.1\r\n${HOST}`,
  }),
];
