/**
 * Where we stand apart from Envoy and nginx, each with its reason. The comparison fails for a case
 * that does and is not listed here.
 */

const BARE_LF = "RFC 9112 §2.2: a lone LF may be taken for a line end, and need not be; who takes it disagrees with who does not";
const CHUNK_LINE_END = "RFC 9112 §7.1: chunks end with CRLF, and a lone LF there has hidden requests";
const CHUNK_SIZE = "RFC 9112 §7.1: no blank stands between the size of a chunk and what follows";
const TRAILER_FRAMING =
  "RFC 9110 §6.5.1: a field that frames may not stand in a request's trailers, and llhttp does not take it; in an answer's it is left out";
const NO_HOST = "RFC 9112 §3.2: a Host that is no host gets 400, since it is what we route by";
const NO_PORT = "RFC 3986 §3.2.3: the port is digits, and TCP has 65,535 of them";

/** Case → why we refuse what both take. */
export const REFUSED_ONLY_BY_US: Readonly<Record<string, string>> = {
  "Transfer-Encoding behind a bare LF": BARE_LF,
  "lines that end with LF": BARE_LF,
  "a request line that ends with LF": BARE_LF,
  "one field that ends with LF": BARE_LF,
  "a header that ends with LF LF": BARE_LF,
  "a header that ends with LF CR LF": BARE_LF,
  "a header that ends with CR LF LF": BARE_LF,
  "a trailer that ends with LF": BARE_LF,
  "a bare CR behind chunked": "RFC 9112 §2.2: a lone CR makes the element invalid, or is a blank: here it would be part of a coding's name",
  "a bare CR before a field's line end": "RFC 9112 §2.2: a lone CR makes the element invalid",
  "LF after a chunk": CHUNK_LINE_END,
  "LF after the last chunk": CHUNK_LINE_END,
  "a space behind the size": CHUNK_SIZE,
  "a tab behind the size": CHUNK_SIZE,
  "a space before the semicolon of an extension":
    "RFC 9112 §7.1.1 lets senders that are long gone put it there; llhttp, the parser, does not take it",
  "an extension that holds a NUL": "RFC 9112 §7.1.1: the name of an extension is a token",
  "an extension of 20 KiB": "RFC 9112 §7.1.1: a recipient ought to limit extensions, which carry nothing; Node's limit is 16 KiB",
  "Content-Length in the trailers": TRAILER_FRAMING,
  "Transfer-Encoding in the trailers": TRAILER_FRAMING,
  "a folded trailer": "RFC 9112 §5.2: a folded field of a request gets 400; an answer's is joined",
  "a space behind the version": "RFC 9112 §3: the request line ends with the version",
  "OPTIONS with Max-Forwards: 0": "RFC 9110 §7.6.2: it must not be forwarded",
  "an URL of https": "RFC 9110 §4.2.2: an https URL is for TLS, which did not bring this request",
  "two hosts and a comma": NO_HOST,
  "user information": NO_HOST,
  "user and password": NO_HOST,
  "a percent sign in the Host": NO_HOST,
  "an open bracket": NO_HOST,
  "brackets around a name": NO_HOST,
  "a dot in front": NO_HOST,
  "a name of 300 characters": `${NO_HOST}; DNS has no name of more than 253 characters`,
  "a port that is no number": NO_PORT,
  "a port beyond 65535": NO_PORT,
  "a port of twenty digits": NO_PORT,
  "port 0": NO_PORT,
  "a negative port": NO_PORT,
  "two ports": NO_PORT,
};

/**
 * Case → why we forward what neither does. Nothing may be added here that leaves a destination in
 * doubt.
 */
export const FORWARDED_ONLY_BY_US: Readonly<Record<string, string>> = {
  "OPTIONS with an asterisk": "RFC 9112 §3.2.4: a valid form; Envoy reads it and has no route for it, nginx has no place for it",
};
