import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A secret that two parts of one process know. */
export interface SharedToken {
  readonly token: string;
  /** Whether a text is the token. Takes as long for a near miss as for nonsense. */
  readonly matches: (text: string) => boolean;
}

/** Makes one that nobody can guess, and that ends with the process. */
export function sharedToken(): SharedToken {
  const token = randomBytes(32).toString("base64url");
  const expected = hash(token);
  return { token, matches: (text) => timingSafeEqual(hash(text), expected) };
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
