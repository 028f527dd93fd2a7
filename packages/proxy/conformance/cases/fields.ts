import { type Case, cases, get, HOST, SMUGGLED } from "./case.ts";

/** A GET whose lines end with something else than CRLF. */
function ending(lineEnd: string): string {
  return get("X-A: 1\r\n").replaceAll("\r\n", lineEnd);
}

/** Line ends and field lines (RFC 9112 §2.2, §5). */
export const FIELDS: readonly Case[] = [
  ...cases(3, "refused", {
    "lines that end with LF": ending("\n"),
    "lines that end with CR": ending("\r"),
    "lines that end with CR CR LF": ending("\r\r\n"),
    "lines that end with LF CR": ending("\n\r"),
    "a request line that ends with LF": get().replace("\r\n", "\n"),
    "one field that ends with LF": get("X-A: 1\nX-B: 2\r\n"),
    "a header that ends with LF LF": `GET /case HTTP/1.1\r\n${HOST}X-A: 1\n\n`,
    "a header that ends with LF CR LF": `GET /case HTTP/1.1\r\n${HOST}X-A: 1\n\r\n`,
    "a header that ends with CR LF LF": `GET /case HTTP/1.1\r\n${HOST}X-A: 1\r\n\n`,
    "a bare CR in a value": get("X-A: a\rb\r\n"),
    "a bare CR before a field's line end": get("X-A: a\r\r\n"),
    "a folded field": get("X-A: 1\r\n 2\r\n"),
    "a field folded with a tab": get("X-A: 1\r\n\t2\r\n"),
    "a folded line of blanks only": get("X-A: 1\r\n \r\n"),
    "a first field that begins with a space": `GET /case HTTP/1.1\r\n X-A: 1\r\n${HOST}\r\n`,
    "a space before a colon": get("X-A : 1\r\n"),
    "a tab before a colon": get("X-A\t: 1\r\n"),
    "a line without colon": get("X-A\r\n"),
    "a request hidden behind a line without colon": get(`X-A\r\n\r\n${SMUGGLED}`),
    "an empty name": get(": 1\r\n"),
    "a space in a name": get("X A: 1\r\n"),
    "a parenthesis in a name": get("X(A): 1\r\n"),
    "a brace in a name": get("{X}: 1\r\n"),
    "an at sign in a name": get("X@A: 1\r\n"),
    "a slash in a name": get("X/A: 1\r\n"),
    "a quote in a name": get('X"A: 1\r\n'),
    "a backslash in a name": get("X\\A: 1\r\n"),
    "a byte that is not ASCII in a name": get("X-\xc4: 1\r\n"),
    "a NUL in a name": get("X\0A: 1\r\n"),
    "a NUL in a value": get("X-A: a\0b\r\n"),
    "a NUL at the end of a value": get("X-A: a\0\r\n"),
    "a control byte in a value": get("X-A: a\x01b\r\n"),
    "a vertical tab in a value": get("X-A: a\x0bb\r\n"),
    "an escape byte in a value": get("X-A: \x1b[2J\r\n"),
    "DEL in a value": get("X-A: a\x7fb\r\n"),
    "a NUL before the request": `\0${get()}`,
    "a space before the request": ` ${get()}`,
  }),
  ...cases(3, 1, {
    "an empty value": get("X-A:\r\n"),
    "a value of blanks only": get("X-A: \t \r\n"),
    "blanks around a value": get("X-A: \t1\t \r\n"),
    "a tab within a value": get("X-A: a\tb\r\n"),
    "bytes that are not ASCII in a value": get("X-A: \xc3\xa4\xff\r\n"),
    "a colon in a value": get("X-A: b: c\r\n"),
    "every character that a name may have": get("!#$%&'*+-.^`|~0aZ: 1\r\n"),
    "an underscore in a name": get("X_A: 1\r\n"),
    "a field twice": get("X-A: 1\r\nX-A: 2\r\n"),
    "an empty line before the request": `\r\n${get()}`,
    "a LF before the request": `\n${get()}`,
    "a CR before the request": `\r${get()}`,
    "two empty lines before the request": `\r\n\r\n${get()}`,
  }),
  ...cases(14, "refused", {
    "a field of 70 KiB": get(`X-A: ${"a".repeat(70_000)}\r\n`),
    "a field name of 70 KiB": get(`${"a".repeat(70_000)}: 1\r\n`),
    "a header of 130 KiB in 100 fields": get(`X-A: ${"a".repeat(1_300)}\r\n`.repeat(100)),
    "a request target of 70 KiB": get("", `/${"a".repeat(70_000)}`),
    "a method of 70 KiB": `${"A".repeat(70_000)} /case HTTP/1.1\r\n${HOST}\r\n`,
  }),
  ...cases(14, "declined", {
    "2,000 fields": get("X-A: 1\r\n".repeat(2_000)),
  }),
  ...cases(14, 1, {
    "900 fields": get("X-A: 1\r\n".repeat(900)),
    "a field of 6 KiB": get(`X-A: ${"a".repeat(6_000)}\r\n`),
  }),
];
