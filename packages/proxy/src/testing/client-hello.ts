/** A TLS extension. */
export interface Extension {
  readonly type: number;
  readonly content: Buffer;
}

/** `server_name` as RFC 6066 §3 has it. */
export function serverName(name: string | Buffer): Extension {
  return { type: 0, content: vector16(Buffer.concat([Buffer.from([0]), vector16(Buffer.from(name))])) };
}

/** A ClientHello handshake message with its type and length. */
export function clientHello(extensions: readonly Extension[], { sessionId = Buffer.alloc(32), cipherSuites = [0x13, 0x01] } = {}): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector8(sessionId),
    vector16(Buffer.from(cipherSuites)),
    vector8(Buffer.from([0])),
    vector16(Buffer.concat(extensions.map(({ type, content }) => Buffer.concat([uint16(type), vector16(content)])))),
  ]);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  header[0] = 1;
  return Buffer.concat([header, body]);
}

/** A message in records of at most `size` bytes. */
export function inRecords(message: Buffer, size = 16_384): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    records.push(Buffer.from([22, 3, 1]), vector16(message.subarray(at, at + size)));
  }
  return Buffer.concat(records);
}

function vector8(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function vector16(bytes: Buffer): Buffer {
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
