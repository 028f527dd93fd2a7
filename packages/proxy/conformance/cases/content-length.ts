import { type Case, cases, chunked, get, HOST, post, SMUGGLED } from "./case.ts";

const HELLO = "hello";

/**
 * Content-Length in doubt: beside Transfer-Encoding, more than once, or not a plain number (RFC
 * 9112 §6.2, §6.3).
 */
export const CONTENT_LENGTH: readonly Case[] = [
  ...cases(1, "refused", {
    "Content-Length before chunked, and the chunks end first": post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nG"),
    "chunked before Content-Length, and the length ends first": post(
      "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
      "1\r\na\r\n0\r\n\r\n",
    ),
    "both, with a request behind the last chunk": post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${SMUGGLED}`),
    "both, and they agree": post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "both on a GET": get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n").concat("0\r\n\r\n"),
    "Content-Length: 0 beside chunked": post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "both, and Connection names Transfer-Encoding": post(
      "Connection: transfer-encoding\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "0\r\n\r\n",
    ),
    "both, Transfer-Encoding in odd case": post("cOnTeNt-LeNgTh: 5\r\ntRaNsFeR-eNcOdInG: cHuNkEd\r\n", "0\r\n\r\n"),
    "a coding nobody knows beside Content-Length": post("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n", HELLO),
    "an empty Transfer-Encoding beside Content-Length": post("Content-Length: 5\r\nTransfer-Encoding:\r\n", HELLO),
  }),
  ...cases(2, 1, {
    "DELETE with chunks that hold a request": `DELETE /case HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunk(SMUGGLED)}0\r\n\r\n`,
    "OPTIONS with chunks that hold a request": `OPTIONS /case HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunk(SMUGGLED)}0\r\n\r\n`,
    "DELETE with a length, content that is a request": `DELETE /case HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    "GET with chunks that hold a request": get("Transfer-Encoding: chunked\r\n").concat(`${chunk(SMUGGLED)}0\r\n\r\n`),
  }),
  ...cases(2, "refused", {
    "DELETE with Content-Length and chunks": `DELETE /case HTTP/1.1\r\n${HOST}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(SMUGGLED)}0\r\n\r\n`,
  }),
  ...cases(3, "refused", {
    "two lengths that differ": post("Content-Length: 5\r\nContent-Length: 6\r\n", HELLO),
    "two lengths that are equal": post("Content-Length: 5\r\nContent-Length: 5\r\n", HELLO),
    "a list of equal lengths": post("Content-Length: 5, 5\r\n", HELLO),
    "a list of lengths that differ": post("Content-Length: 5,0\r\n", HELLO),
    "a length of zero and one of five": post("Content-Length: 0\r\nContent-Length: 5\r\n", HELLO),
    "two lengths in odd case, apart": post("content-length: 5\r\nX-A: 1\r\nCONTENT-LENGTH: 50\r\n", HELLO),
    "a plus sign": post("Content-Length: +5\r\n", HELLO),
    "a minus sign": post("Content-Length: -5\r\n", HELLO),
    "minus zero": post("Content-Length: -0\r\n", ""),
    hexadecimal: post("Content-Length: 0x5\r\n", HELLO),
    "an exponent": post("Content-Length: 5e0\r\n", HELLO),
    "a fraction": post("Content-Length: 5.0\r\n", HELLO),
    "an underscore among the digits": post("Content-Length: 0_5\r\n", HELLO),
    "two numbers with a space": post("Content-Length: 5 5\r\n", HELLO),
    "a semicolon behind": post("Content-Length: 5;a\r\n", HELLO),
    "in quotes": post('Content-Length: "5"\r\n', HELLO),
    "digits that are not ASCII": post("Content-Length: \xb2\r\n", HELLO),
    "a vertical tab before": post("Content-Length: \x0b5\r\n", HELLO),
    "a NUL behind": post("Content-Length: 5\0\r\n", HELLO),
    "an empty length": post("Content-Length:\r\n", ""),
    "more than 64 bits hold": post("Content-Length: 18446744073709551621\r\n", HELLO),
    "more than a double counts": post("Content-Length: 9007199254740993\r\n", HELLO),
    "folded onto the next line": post("Content-Length:\r\n 5\r\n", HELLO),
    "a folded second number": post("Content-Length: 5\r\n 5\r\n", HELLO),
    "a space before the colon": post("Content-Length : 5\r\n", HELLO),
    "a tab before the colon": post("Content-Length\t: 5\r\n", HELLO),
    "a NUL in the name": post("Content-Length\0: 5\r\n", HELLO),
    "behind a bare CR": post("X-A: 1\rContent-Length: 5\r\n", HELLO),
  }),
  ...cases(3, 1, {
    "leading zeros": post("Content-Length: 0005\r\n", HELLO),
    "tabs around the length": post("Content-Length: \t5\t\r\n", HELLO),
    "no space before the length": post("Content-Length:5\r\n", HELLO),
    "a GET whose content is a request": get(`Content-Length: ${SMUGGLED.length}\r\n`).concat(SMUGGLED),
    "HEAD whose content is a request": `HEAD /case HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    "an underscore in the name, which is then another field": post("Content_Length: 5\r\n", ""),
    "content that begins with line ends": post("Content-Length: 4\r\n", "\r\n\r\n"),
  }),
  ...cases(3, "unfinished", {
    "a length that reaches into the next request": post("Content-Length: 4000\r\n", HELLO),
  }),
  ...cases(3, 2, {
    "a request behind content of its stated length": post("Content-Length: 5\r\n", HELLO).concat(get("", "/second")),
    "a request behind a length of zero": post("Content-Length: 0\r\n", "").concat(get("", "/second")),
    "a request behind the last chunk": chunked("0\r\n\r\n").concat(get("", "/second")),
  }),
];

function chunk(content: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n`;
}
