/** Frames of WebSocket (RFC 6455 §5.2), as far as an echo needs them: whole messages only. */

/** What a frame is. */
export const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** A frame that came. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

const FINAL = 0x80;
const MASKED = 0x80;

/** A frame of a server, which does not mask. */
export function encodeFrame({ opcode, payload }: Frame): Buffer {
  const header = Buffer.alloc(10);
  header[0] = FINAL | opcode;
  // The longest form of a length is as good as the shortest for a client that reads it.
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return payload.length > 125 ? Buffer.concat([header, payload]) : Buffer.concat([Buffer.from([FINAL | opcode, payload.length]), payload]);
}

/**
 * The first frame of a client in these bytes, and how many it takes; undefined while it is not
 * whole.
 */
export function decodeFrame(bytes: Buffer): { readonly frame: Frame; readonly length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & ~MASKED;
  const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  if (bytes.length < start + 4) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const length = start + 4 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = Buffer.from(bytes.subarray(start + 4, length).map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return { frame: { opcode: bytes.readUInt8(0) & 0x0f, payload }, length };
}
