import { type Case, cases, HOST, post, SMUGGLED } from "./case.ts";

const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";

function coded(line: string, body = CHUNKS): string {
  return post(`${line}\r\n`, body);
}

/** Transfer-Encoding that one recipient takes for chunked and another does not (RFC 9112 §6.1). */
export const TRANSFER_ENCODING: readonly Case[] = [
  ...cases(3, "refused", {
    "a coding that only ends like chunked": coded("Transfer-Encoding: xchunked"),
    "a coding that only begins like chunked": coded("Transfer-Encoding: chunkedx"),
    "chunked, identity": coded("Transfer-Encoding: chunked, identity"),
    "identity, chunked": coded("Transfer-Encoding: identity, chunked"),
    "identity alone": coded("Transfer-Encoding: identity", ""),
    "identity with a length": coded("Transfer-Encoding: identity\r\nContent-Length: 5", "hello"),
    "gzip, chunked": coded("Transfer-Encoding: gzip, chunked"),
    "gzip alone": coded("Transfer-Encoding: gzip", ""),
    "chunked, gzip": coded("Transfer-Encoding: chunked, gzip"),
    "chunked, chunked": coded("Transfer-Encoding: chunked, chunked"),
    "chunked on two lines": coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    "chunked and identity on two lines": coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    "identity and chunked on two lines": coded("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
    "a comma behind chunked": coded("Transfer-Encoding: chunked,"),
    "a comma before chunked": coded("Transfer-Encoding: , chunked"),
    "a parameter": coded("Transfer-Encoding: chunked;q=1"),
    "chunked in quotes": coded('Transfer-Encoding: "chunked"'),
    "two words": coded("Transfer-Encoding: x chunked"),
    "a vertical tab before chunked": coded("Transfer-Encoding: \x0bchunked"),
    "a NUL behind chunked": coded("Transfer-Encoding: chunked\0"),
    "a byte that is not ASCII behind chunked": coded("Transfer-Encoding: chunked\xa0"),
    "an empty Transfer-Encoding": coded("Transfer-Encoding:", ""),
    "a space before the colon of Transfer-Encoding": coded("Transfer-Encoding : chunked"),
    "chunked folded onto the next line": coded("Transfer-Encoding:\r\n chunked"),
    "something folded behind chunked": coded("Transfer-Encoding: chunked\r\n\tx"),
    "Transfer-Encoding folded into another field": coded("X-A: 1\r\n Transfer-Encoding: chunked"),
    "Transfer-Encoding behind a bare LF": coded("X-A: 1\nTransfer-Encoding: chunked"),
    "Transfer-Encoding behind a bare CR": coded("X-A: 1\rTransfer-Encoding: chunked"),
    "a bare CR behind chunked": coded("Transfer-Encoding: chunked\r"),
    "a NUL in the name of Transfer-Encoding": coded("Transfer-Encoding\0: chunked"),
    "chunked in HTTP/1.0": `POST /case HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
    "chunked in HTTP/1.0, kept alive, with a request behind": `POST /case HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  }),
  ...cases(3, 1, {
    "chunked in capitals": coded("Transfer-Encoding: CHUNKED"),
    "no space before chunked": coded("Transfer-Encoding:chunked"),
    "spaces around chunked": coded("Transfer-Encoding:   chunked  "),
    "a tab before chunked": coded("Transfer-Encoding: \tchunked"),
    "the name in odd case": coded("tRANSFER-eNCODING: chunked"),
    "an underscore in the name Transfer_Encoding, which is then another field": coded("Transfer_Encoding: chunked", ""),
    "a length and Transfer_Encoding": coded("Transfer_Encoding: chunked\r\nContent-Length: 5", "hello"),
  }),
  ...cases(3, "refused", {
    "a tab behind chunked": coded("Transfer-Encoding: chunked\t"),
  }),
];
