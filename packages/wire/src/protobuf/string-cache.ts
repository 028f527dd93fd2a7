import { isUtf8 } from "node:buffer";

/** Slots, a power of two. */
const SLOT_BITS = 12;

/**
 * Longest string that is kept, in bytes: almost every `outbound|port|subset|host` is shorter. With
 * 4096 slots the cache holds 512 KiB.
 */
const LONGEST = 128;

/** Shorter texts than one 32-bit word: single-label authorities such as `b`. */
const WORD = 4;

/** Top bit of each byte of a word. It is set in some byte when the text is not ASCII. */
const NOT_ASCII = 0x80808080;

/** Golden ratio, the usual multiplier of a multiplicative hash. */
const MULTIPLIER = 0x9e3779b1;

/**
 * Strings from bytes. The same bytes give the same string object where possible.
 *
 * Access logs repeat the same clusters, authorities and addresses in every entry. A hit costs two
 * passes over the bytes, a word at a time, and allocates nothing. The string's own hash, which
 * every later Map look-up needs, is computed once and not once per entry. There is one slot per
 * hash: a collision costs a new string, and never gives a wrong one.
 */
export class StringCache {
  readonly #texts: string[] = new Array(1 << SLOT_BITS).fill("");
  readonly #keys = new DataView(new ArrayBuffer(LONGEST << SLOT_BITS));

  /**
   * The text of `bytes[start, stop)`, of which `view` is a view; undefined when it is not valid
   * UTF-8.
   */
  read(bytes: Buffer, view: DataView, start: number, stop: number): string | undefined {
    const length = stop - start;
    if (length < WORD || length > LONGEST) return decode(bytes, start, stop);
    const last = stop - WORD;
    let word = view.getInt32(last, true);
    let hash = Math.imul(word ^ length, MULTIPLIER);
    let union = word;
    for (let index = start; index < last; index += WORD) {
      word = view.getInt32(index, true);
      hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ word, MULTIPLIER);
      union |= word;
    }
    const slot = hash >>> (32 - SLOT_BITS);
    const cached = this.#texts[slot] ?? "";
    if (cached.length === length && this.#holds(slot, view, start, last)) return cached;
    return (union & NOT_ASCII) === 0 ? this.#keep(slot, bytes, start, stop) : decode(bytes, start, stop);
  }

  #holds(slot: number, view: DataView, start: number, last: number): boolean {
    const keys = this.#keys;
    const shift = slot * LONGEST - start;
    for (let index = start; index < last; index += WORD) {
      if (view.getInt32(index, true) !== keys.getInt32(index + shift, true)) return false;
    }
    return view.getInt32(last, true) === keys.getInt32(last + shift, true);
  }

  #keep(slot: number, bytes: Buffer, start: number, stop: number): string {
    const text = bytes.toString("latin1", start, stop);
    bytes.copy(new Uint8Array(this.#keys.buffer), slot * LONGEST, start, stop);
    this.#texts[slot] = text;
    return text;
  }
}

function decode(bytes: Buffer, start: number, stop: number): string | undefined {
  if (stop - start === 1) return asciiCharacter(bytes[start] ?? 0);
  return isUtf8(bytes.subarray(start, stop)) ? bytes.toString("utf8", start, stop) : undefined;
}

/**
 * V8 keeps one-character strings, so this allocates nothing. A lone byte from 0x80 on is never
 * UTF-8.
 */
function asciiCharacter(byte: number): string | undefined {
  return byte < 0x80 ? String.fromCharCode(byte) : undefined;
}
