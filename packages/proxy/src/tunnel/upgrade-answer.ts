import { parseAnswerHead } from "../upstream/answer-head.ts";
import { type AnswerHandler, AnswerReader } from "../upstream/answer-reader.ts";
import { UpstreamError } from "../upstream/upstream-error.ts";

/** Bytes of a header, as in other answers. */
const MAX_HEAD_BYTES = 64 * 1024;
const HEAD_END = "\r\n\r\n";

/** A destination that switched protocols. */
export interface Switched {
  /** Its 101, byte for byte, with the empty line. */
  readonly head: Buffer;
  /** What came behind it: the first bytes of the new protocol. */
  readonly rest: Buffer;
}

/** Reads what a destination answers to an upgrade: a 101 as it stands, any other answer as HTTP/1.1. */
export class UpgradeAnswer {
  readonly #reader = new AnswerReader();
  /** The beginning of a header that did not come in one piece. */
  #partial: Buffer | undefined;
  #filled = 0;
  /** How much of it came before the current piece. */
  #before = 0;
  #refused = false;

  /** @param handler hears interim answers, and the final one when it is not 101 */
  constructor(method: string, handler: AnswerHandler) {
    this.#reader.expect(method, handler);
  }

  /**
   * Reads a piece.
   *
   * @returns the switch, once it is there
   * @throws UpstreamError when the answer is no HTTP/1.1
   */
  read(piece: Buffer): Switched | undefined {
    let bytes = piece;
    while (!this.#refused && bytes.length > 0) {
      const head = this.#readHead(bytes);
      if (head === undefined) return undefined;
      const rest = bytes.subarray(head.length - this.#before);
      if (isSwitch(head)) return { head, rest };
      this.#onOther(head);
      bytes = rest;
    }
    if (bytes.length > 0) this.#reader.read(bytes);
    return undefined;
  }

  /** The destination closed its side. @returns whether that completed the answer */
  end(): boolean {
    return this.#reader.end();
  }

  /** After an interim answer the switch may still come. */
  #onOther(head: Buffer): void {
    this.#refused = head[STATUS_AT] !== "1".charCodeAt(0);
    this.#reader.read(head);
  }

  /** The header with its empty line, of which the first bytes may have come before; undefined while it is not complete. */
  #readHead(bytes: Buffer): Buffer | undefined {
    this.#before = this.#filled;
    const whole = this.#filled === 0 ? bytes : this.#keep(bytes);
    const end = whole.indexOf(HEAD_END, Math.max(0, this.#before - HEAD_END.length + 1), "latin1");
    if (end === -1 || end > MAX_HEAD_BYTES) {
      if (whole.length >= MAX_HEAD_BYTES) throw new UpstreamError("INVALID", "the answer's header is too large");
      if (this.#before === 0) this.#keep(bytes);
      return undefined;
    }
    this.#filled = 0;
    return this.#before === 0 ? whole.subarray(0, end + HEAD_END.length) : Buffer.from(whole.subarray(0, end + HEAD_END.length));
  }

  /** Keeps as much as a header may have, and returns all that is kept. */
  #keep(bytes: Buffer): Buffer {
    this.#partial ??= Buffer.allocUnsafe(MAX_HEAD_BYTES);
    this.#filled += bytes.copy(this.#partial, this.#filled);
    return this.#partial.subarray(0, this.#filled);
  }
}

/** Position of the status in `HTTP/1.1 101`. */
const STATUS_AT = 9;

/** Whether this is a 101. Strictly read before it is relayed as it stands, so that no control character in it means something to the client. */
function isSwitch(bytes: Buffer): boolean {
  if (bytes.toString("latin1", STATUS_AT, STATUS_AT + 3) !== "101") return false;
  const head = parseAnswerHead(bytes.toString("latin1", 0, bytes.length - HEAD_END.length));
  if (typeof head === "string") throw new UpstreamError("INVALID", head);
  return true;
}
