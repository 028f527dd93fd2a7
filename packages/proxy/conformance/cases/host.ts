import { type Case, cases, HOST } from "./case.ts";

function host(value: string): string {
  return `GET /case HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
}

/** A request for an URL, with these field lines. */
function absolute(url: string, fields = HOST): string {
  return `GET ${url} HTTP/1.1\r\n${fields}\r\n`;
}

/**
 * Hosts that are missing, repeated, malformed, or contradicted by the target (RFC 9112 §3.2, §3.3).
 */
export const HOSTS: readonly Case[] = [
  ...cases(5, "declined", {
    "an URL without host": absolute("http:///case"),
    "no Host": "GET /case HTTP/1.1\r\n\r\n",
    "no Host in HTTP/1.0": "GET /case HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "two equal Hosts": `GET /case HTTP/1.1\r\n${HOST}${HOST}\r\n`,
    "two Hosts": `GET /case HTTP/1.1\r\n${HOST}Host: other.test1\r\n\r\n`,
    "two Hosts in odd case, apart": "GET /case HTTP/1.1\r\nhOST: a.test1\r\nX-A: 1\r\nHOST: b.test1\r\n\r\n",
    "an empty Host": host(""),
    "a Host of blanks": host(" \t "),
    "a space in the Host": host("a b"),
    "a tab in the Host": host("a\tb"),
    "a list of hosts": host("a.test1, b.test1"),
    "two hosts and a comma": host("a.test1,b.test1"),
    "user information": host("me@details.bookinfo"),
    "user and password": host("me:it@details.bookinfo"),
    "a slash in the Host": host("details.bookinfo/case"),
    "a backslash in the Host": host("details\\.bookinfo"),
    "a question mark in the Host": host("details.bookinfo?a"),
    "a number sign in the Host": host("details.bookinfo#a"),
    "a percent sign in the Host": host("details%2ebookinfo"),
    "a quote in the Host": host('"details.bookinfo"'),
    "angle brackets in the Host": host("<details>"),
    "a byte that is not ASCII in the Host": host("d\xe9tails.bookinfo"),
    "an URL as Host": host("http://details.bookinfo/"),
    "an open bracket": host("[::1"),
    "brackets around a name": host("[details]"),
    "an IPv6 address without brackets": host("::1:80"),
    "a port that is no number": host("details.bookinfo:http"),
    "a port beyond 65535": host("details.bookinfo:65536"),
    "a port of twenty digits": host("details.bookinfo:18446744073709551696"),
    "port 0": host("details.bookinfo:0"),
    "a negative port": host("details.bookinfo:-80"),
    "two ports": host("details.bookinfo:80:81"),
    "a space before the port": host("details.bookinfo :80"),
    "a port alone": host(":80"),
    "two dots in a row": host("details..bookinfo"),
    "a dot alone": host("."),
    "a dot in front": host(".details.bookinfo"),
    "a name of 300 characters": host("a".repeat(300)),
    "an URL, and no Host": absolute("http://details.bookinfo/case", ""),
    "an URL, and two Hosts": absolute("http://details.bookinfo/case", HOST + HOST),
    "an URL, and a malformed Host": absolute("http://details.bookinfo/case", "Host: a b\r\n"),
    "an URL with user information": absolute("http://me@details.bookinfo/case"),
    "an URL with a malformed port": absolute("http://details.bookinfo:http/case"),
  }),
  ...cases(5, "refused", {
    "a space before the colon of Host": "GET /case HTTP/1.1\r\nHost : details.bookinfo\r\n\r\n",
    "Host folded onto the next line": "GET /case HTTP/1.1\r\nHost:\r\n details.bookinfo\r\n\r\n",
    "a NUL in the Host": host("details\0.bookinfo"),
    "a bare CR in the Host": host("details\r.bookinfo"),
    "a control byte in the Host": host("details\x01.bookinfo"),
    "an URL of https": absolute("https://details.bookinfo/case"),
  }),
  ...cases(5, 1, {
    "capitals in the Host": host("DETAILS.Bookinfo"),
    "a dot behind the Host": host("details.bookinfo."),
    "a Host with a port": host("details.bookinfo:9080"),
    "blanks around the Host": host(" \tdetails.bookinfo\t "),
    "an underscore in the Host": host("details_v1.bookinfo"),
    "an URL": absolute("http://details.bookinfo/case"),
    "an URL and another Host": absolute("http://reviews.bookinfo/case"),
    "an URL with its scheme in capitals": absolute("HTTP://details.bookinfo/case"),
    "an URL without path": absolute("http://details.bookinfo"),
    "an URL with a query and no path": absolute("http://details.bookinfo?case"),
    "X-Forwarded-Host and a Host": `GET /case HTTP/1.1\r\n${HOST}X-Forwarded-Host: other.test1\r\n\r\n`,
  }),
];
