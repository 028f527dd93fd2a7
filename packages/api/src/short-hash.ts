import { createHash } from "node:crypto";

/** Enough that no two texts are taken for one by accident, in hexadecimal digits. */
const DIGITS = 16;

/** Tells a text from any other one, in {@link DIGITS} characters. No secret hides behind it. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, DIGITS);
}
