/**
 * What servers say that speak something else, none of which ends as a header does. They wait for
 * their client then.
 */
export const GREETINGS = {
  "an SSH greeting": "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
  "an SMTP greeting": "220 mail.example ESMTP\r\n",
  "a MySQL greeting": "J\0\0\0\x0a8.0.36\0\x08\0\0\0",
  "a Redis error": "-ERR unknown command 'GET'\r\n",
  "a Redis PONG": "+PONG\r\n",
  "a TLS alert": "\x15\x03\x01\0\x02\x02\x46",
  "200 OK without a version": "200 OK\r\nContent-Length: 0\r\n",
  "HTTP/2.0 200": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n",
  "ICY 200 OK": "ICY 200 OK\r\nicy-name: radio\r\n",
  "zeros in a header": "HTTP/1.1 200 OK\r\n\0\0\0\0",
  "one byte": "x",
} as const;
