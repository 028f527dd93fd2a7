import { readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../testdata");

/** The messages of one captured stream, in order. @see testdata/README.md */
export function capturedMessages(file: "envoy-1.40-http.bin" | "envoy-1.40-tcp.bin"): Buffer[] {
  const bytes = readFileSync(join(FOLDER, file));
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4;
    at = start + bytes.readUInt32BE(at);
    messages.push(bytes.subarray(start, at));
  }
  return messages;
}
