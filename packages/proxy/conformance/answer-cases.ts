/** The bytes of one answer, and whether a caller gets it. */
export interface AnswerCase {
  readonly name: string;
  /** latin1 */
  readonly bytes: string;
  readonly served: boolean;
  /** Where Envoy decides otherwise: why we do not. */
  readonly unlikeEnvoy?: string;
}

const FINAL = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello";
const END = "0\r\n\r\n";
const SURPLUS = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

const AMBIGUOUS = "another reader may see something else in these bytes";
const VERSION = "there is no such version of this syntax";
const HARMLESS = "RFC 9112 §6.3: there is no body, whatever the field says, and the direct way serves it";

function chunked(chunks: string, version = "1.1"): string {
  return `HTTP/${version} 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
}

function cases(served: boolean, bytesByName: Readonly<Record<string, string>>, unlikeEnvoy?: string): AnswerCase[] {
  return Object.entries(bytesByName).map(([name, bytes]) => ({
    name,
    bytes,
    served,
    ...(unlikeEnvoy === undefined ? {} : { unlikeEnvoy }),
  }));
}

/** An answer with the body `hello`, well-formed or not. */
export const ANSWER_CASES: readonly AnswerCase[] = [
  ...cases(true, {
    "a plain answer": FINAL,
    "LF alone in every line": FINAL.replaceAll("\r\n", "\n"),
    "LF alone in the status line": FINAL.replace("\r\n", "\n"),
    "LF alone in a field": FINAL.replace("1\r\n", "1\n"),
    "LF alone as the empty line": FINAL.replace("\r\n\r\n", "\r\n\n"),
    "LF alone before the empty line": FINAL.replace("\r\n\r\n", "\n\r\n"),
    "LF alone in a header before chunks": chunked(`5\r\nhello\r\n${END}`)
      .replace("OK\r\n", "OK\n")
      .replace("chunked\r\n\r\n", "chunked\n\n"),
    "LF alone behind a chunk": chunked(`5\r\nhello\n${END}`),
    "LF alone at the end of chunks": chunked("5\r\nhello\r\n0\r\n\n"),
    "several blanks in the status line": FINAL.replace(" 200", "  200"),
    "a tab in the status line": FINAL.replace(" 200", "\t200"),
    "no reason": FINAL.replace(" OK", ""),
    "a reason beyond ASCII": FINAL.replace("OK", "\xfc"),
    "a length with leading zeros": FINAL.replace(": 5", ": 0005"),
    "a size with 40 zeros": chunked(`${"0".repeat(40)}5\r\nhello\r\n${END}`),
    "a size with 2,000 zeros": chunked(`${"0".repeat(2_000)}5\r\nhello\r\n${END}`),
    "a last chunk of 20 zeros": chunked(`5\r\nhello\r\n${"0".repeat(20)}\r\n\r\n`),
    "a space behind a size": chunked(`5 \r\nhello\r\n0 \r\n\r\n`),
    "2,000 spaces behind a size": chunked(`5${" ".repeat(2_000)}\r\nhello\r\n${END}`),
    "a tab behind a size": chunked(`5\t\r\nhello\r\n${END}`),
    "blanks before a semicolon": chunked(`5 \t;a=b\r\nhello\r\n${END}`),
    "blanks in an extension": chunked(`5; a = b \r\nhello\r\n${END}`),
    "a folded trailer": chunked("5\r\nhello\r\n0\r\nX-T: one\r\n two\r\n\r\n"),
    "a trailer folded by LF": chunked("5\r\nhello\r\n0\r\nX-T: one\n\ttwo\n\r\n"),
    "a trailer with a fold of blanks": chunked("5\r\nhello\r\n0\r\nX-T: one\r\n \t\r\n\r\n"),
    "Content-Length in the trailers": chunked("5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "a folded Content-Length in the trailers": chunked("5\r\nhello\r\n0\r\nContent-Length:\r\n 9\r\n\r\n"),
    "a Content-Length in the trailers that is no number": chunked("5\r\nhello\r\n0\r\nContent-Length: x\r\n\r\n"),
    "Transfer-Encoding in the trailers": chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "Connection in the trailers": chunked("5\r\nhello\r\n0\r\nConnection: close\r\n\r\n"),
    "an empty extension": chunked(`5;\r\nhello\r\n${END}`),
    "an extension of no known form": chunked(`5;@@{}\r\nhello\r\n${END}`),
    "20 interim answers of 104": `${"HTTP/1.1 104 Up\r\nUpload-Offset: 1\r\n\r\n".repeat(20)}${FINAL}`,
    "120 interim answers of 102": `${"HTTP/1.1 102 Processing\r\n\r\n".repeat(120)}${FINAL}`,
    "an interim answer with Connection: close": `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${FINAL}`,
    "an interim answer in HTTP/1.0": `HTTP/1.0 103 Early Hints\r\n\r\n${FINAL}`,
    "an interim answer with Content-Length: 0": `HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n${FINAL}`,
    "an interim answer with LF alone": `HTTP/1.1 103 Early Hints\nLink: </a>\n\n${FINAL}`,
    "an answer with another one behind it": FINAL + SURPLUS,
    "an answer with an empty line behind it": `${FINAL}\r\n`,
  }),
  ...cases(false, {
    "an empty line before the answer": `\r\n${FINAL}`,
    "a space before the answer": ` ${FINAL}`,
    "http in small letters": FINAL.replace("HTTP", "http"),
    "HTTP/1": FINAL.replace("1.1", "1"),
    "HTTP/2": FINAL.replace("1.1", "2"),
    "HTTP/1.10": FINAL.replace("1.1", "1.10"),
    "no version": FINAL.replace("HTTP/1.1 ", ""),
    ICY: FINAL.replace("HTTP/1.1", "ICY"),
    "an SSH greeting": "SSH-2.0-OpenSSH_9.2p1\r\n",
    "an SMTP greeting": "220 mail.example ESMTP\r\n",
    "a Redis error": "-ERR unknown command\r\n",
    "a MySQL greeting": "J\0\0\0\x0a8.0.36\0\x08\0\0\0",
    "a TLS alert": "\x15\x03\x01\0\x02\x02\x46",
    "HTTP/2 SETTINGS": "\0\0\0\x04\0\0\0\0\0",
    "a status of two digits": FINAL.replace("200", "20"),
    "a status below 100": FINAL.replace("200", "099"),
    "the length twice": FINAL.replace("X-A: 1", "Content-Length: 5"),
    "two lengths": FINAL.replace("X-A: 1", "Content-Length: 6"),
    "a list of lengths": FINAL.replace(": 5", ": 5, 5"),
    "a signed length": FINAL.replace(": 5", ": +5"),
    "a length beside chunked": chunked(`5\r\nhello\r\n${END}`).replace("OK\r\n", "OK\r\nContent-Length: 5\r\n"),
    "another coding before chunked": chunked(`5\r\nhello\r\n${END}`).replace("chunked", "gzip, chunked"),
    "chunked twice": chunked(`5\r\nhello\r\n${END}`).replace("OK\r\n", "OK\r\nTransfer-Encoding: chunked\r\n"),
    "a size line that ends with LF": chunked(`5\nhello\r\n${END}`),
    "a last size line that ends with LF": chunked("5\r\nhello\r\n0\n\r\n"),
    "a space before a size": chunked(` 5\r\nhello\r\n${END}`),
    "a size with 0x": chunked(`0x5\r\nhello\r\n${END}`),
    "a first size that is no number": chunked(`zz\r\nhello\r\n${END}`),
    "a second size that is no number": chunked("5\r\nhello\r\nzz\r\n"),
    "a trailer without a colon": chunked("5\r\nhello\r\n0\r\nX-T\r\n\r\n"),
    "a trailer with a space before its colon": chunked("5\r\nhello\r\n0\r\nX-T : 1\r\n\r\n"),
    "a blank before the first trailer": chunked("5\r\nhello\r\n0\r\n X-T: 1\r\n\r\n"),
    "a space before a colon": FINAL.replace("X-A:", "X-A :"),
    "a field without a colon": FINAL.replace("X-A: 1", "X-A"),
    "NUL in a field": FINAL.replace("X-A: 1", "X-A: \0"),
  }),
  ...cases(
    false,
    {
      "a CR in a value": FINAL.replace("X-A: 1", "X-A: a\rb"),
      "CR CR LF": FINAL.replace("OK\r\n", "OK\r\r\n"),
      "text behind a blank behind a size": chunked(`5 6\r\nhello\r\n${END}`),
      "NUL in an extension": chunked(`5;\0\r\nhello\r\n${END}`),
      "an extension of 20 KiB": chunked(`5;${"a".repeat(20_000)}\r\nhello\r\n${END}`),
      "chunks in HTTP/1.0": chunked(`5\r\nhello\r\n${END}`, "1.0"),
    },
    AMBIGUOUS,
  ),
  ...cases(false, { "HTTP/2.0": FINAL.replace("1.1", "2.0"), "HTTP/1.2": FINAL.replace("1.1", "1.2") }, VERSION),
  ...cases(
    true,
    {
      "an interim answer with a length": `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${FINAL}`,
      "an interim answer with two lengths": `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n${FINAL}`,
      "an interim answer with a list of lengths": `HTTP/1.1 103 Early Hints\r\nContent-Length: 5, 5\r\n\r\n${FINAL}`,
      "an interim answer with a length that is no number": `HTTP/1.1 103 Early Hints\r\nContent-Length: x\r\n\r\n${FINAL}`,
      "an interim answer with a length beside chunked": `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${FINAL}`,
      "an interim answer with another coding": `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: gzip\r\n\r\n${FINAL}`,
      "an interim answer in HTTP/1.0 with a coding": `HTTP/1.0 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n${FINAL}`,
      "an interim answer with a coding": `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n${FINAL}`,
    },
    HARMLESS,
  ),
];
