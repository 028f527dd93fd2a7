import { FirstContinue } from "../calls/first-continue.ts";
import { UpstreamError } from "../calls/upstream-error.ts";
import { type AnswerHead, isPersistent, parseAnswerHead, parseTrailers } from "./answer-head.ts";
import { ChunkedBody, ChunkedBodyFault } from "./chunked-body.ts";
import { endOfHead, faultOfBeginning, withFullLineEnds, withoutFolds, withoutFoldsOf } from "./head-end.ts";

/**
 * Receives an answer as it arrives. Buffers are views of a buffer that is used again, so what is
 * kept must be copied.
 */
export interface AnswerHandler {
  /** An interim answer (1xx); the final one follows. */
  onInterim(head: AnswerHead): void;
  /** The final answer's header. */
  onAnswer(head: AnswerHead): void;
  /** A piece of the body. It is never empty. */
  onData(data: Buffer): void;
  /** The answer is complete. @param trailers name and value pairs */
  onEnd(trailers: [string, string][]): void;
  /**
   * The destination has switched protocols, and no answer follows. Without this method a 101 is a
   * fault.
   *
   * @param head of the 101 with its empty line, latin1
   * @param rest the first bytes of the new protocol
   */
  onSwitch?(head: string, rest: Buffer): void;
}

/** Largest header of an answer, in bytes, as for requests. */
const MAX_HEAD_BYTES = 64 * 1024;
/**
 * Most interim answers that are relayed, beside the first 100 (Continue), for which a client may
 * wait with its body. Further ones are dropped: only the final answer is essential.
 */
const MAX_INTERIM_ANSWERS = 100;
const HEAD_END = "\r\n\r\n";
/**
 * RFC 9110 §8.6, RFC 9112 §6.1: a 101 must have neither field. A client that respects one would
 * wait for a body in the bytes of the new protocol.
 */
const FRAMING_LINE = /\r\n(?:content-length|transfer-encoding):[^\r]*/gi;
/** The same in trailers, which must have neither field (RFC 9110 §6.5.1): it is left out. */
const FRAMING_TRAILER = /(?:^|\n)(?:content-length|transfer-encoding):/i;
const NO_TRAILERS: [string, string][] = [];

/**
 * Some servers write blanks around the equals sign, quotes around the number, or a semicolon after
 * it.
 */
const KEEP_ALIVE_TIMEOUT = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})"?(?:$|[\s,;])/i;

/** How the body of an answer ends. */
type Framing = "none" | "length" | "chunked" | "until-close";

/** Reads the answers of a connection one after the other (RFC 9112 §6.3). */
export class AnswerReader {
  #handler: AnswerHandler | undefined;
  #method = "";
  #interimAnswers = 0;
  #firstContinue: FirstContinue | undefined;
  #head: AnswerHead | undefined;
  #framing: Framing = "none";
  #left = 0;
  #chunked: ChunkedBody | undefined;
  /**
   * Whether another reader might have read the framing differently. Then no other answer is read
   * from this connection.
   */
  #isLoose = false;
  /** The beginning of a header that arrives in several pieces. */
  #partial: Buffer | undefined;
  #filled = 0;

  /** Whether any byte of the answer has arrived. */
  get begun(): boolean {
    return this.#head !== undefined || this.#interimAnswers > 0 || this.#filled > 0;
  }

  /** Whether the header of the final answer has arrived. */
  get answered(): boolean {
    return this.#head !== undefined;
  }

  /** Bytes that wait for the rest of a header, or of trailers. */
  get heldBytes(): number {
    return this.#filled + (this.#chunked?.trailers.length ?? 0);
  }

  /** Number of chunks of the current answer's body so far. */
  get chunks(): number {
    return this.#chunked?.chunks ?? 0;
  }

  /** Milliseconds of the last answer's `Keep-Alive: timeout`; infinite without one. */
  get offeredIdleTime(): number {
    const seconds = this.#head?.keepAlive === undefined ? undefined : KEEP_ALIVE_TIMEOUT.exec(this.#head.keepAlive)?.[1];
    return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
  }

  /**
   * Expects the answer to a request.
   *
   * @param method of the request: it decides whether the answer has a body
   */
  expect(method: string, handler: AnswerHandler): void {
    this.#handler = handler;
    this.#method = method;
    this.#interimAnswers = 0;
    this.#firstContinue = undefined;
    this.#head = undefined;
    this.#filled = 0;
    this.#isLoose = false;
  }

  /** The rest of the answer is not needed. */
  forget(): void {
    this.#handler = undefined;
  }

  /**
   * Reads a piece.
   *
   * @returns whether the connection may carry another request: undefined while the answer is not
   * complete
   * @throws UpstreamError when the answer is not HTTP/1.1
   */
  read(bytes: Buffer): boolean | undefined {
    let at = 0;
    while (this.#handler !== undefined) {
      if (this.#head === undefined) {
        const end = this.#readHead(bytes, at, this.#handler);
        if (end === undefined) return undefined;
        at = end;
      } else {
        at = this.#readBody(bytes, at, this.#handler);
        if (this.#handler !== undefined) return undefined;
      }
    }
    // Bytes after the answer belong to no request.
    return at === bytes.length && this.#framing !== "until-close" && !this.#isLoose && this.#head !== undefined && isPersistent(this.#head);
  }

  /** The destination has closed its side. @returns whether this completes the answer */
  end(): boolean {
    if (this.#head === undefined || this.#framing !== "until-close" || this.#handler === undefined) return false;
    this.#complete(this.#handler, NO_TRAILERS);
    return true;
  }

  /** @returns the position after the header; undefined when it is not complete yet */
  #readHead(bytes: Buffer, from: number, handler: AnswerHandler): number | undefined {
    if (from >= bytes.length) return undefined;
    if (this.#filled > 0) return this.#readPartialHead(bytes, from, handler);
    const end = bytes.indexOf(HEAD_END, from, "latin1");
    if (end !== -1 && end - from <= MAX_HEAD_BYTES) {
      const text = bytes.toString("latin1", from, end);
      const head = parseAnswerHead(text);
      if (typeof head !== "string") {
        this.#onHead(head, text, bytes.subarray(end + HEAD_END.length), handler);
        return end + HEAD_END.length;
      }
    }
    // The header is not complete, malformed, or has lines that end with LF or are folded.
    return this.#readPartialHead(bytes, from, handler);
  }

  /** The same for a header that arrives in pieces, or has lines that end with LF or are folded. */
  #readPartialHead(bytes: Buffer, from: number, handler: AnswerHandler): number | undefined {
    const before = this.#filled;
    const partial = this.#keep(bytes, from).subarray(0, this.#filled);
    const end = endOfHead(partial, before);
    const fault = faultOfBeginning(partial, before, end);
    if (fault !== undefined) throw new UpstreamError("INVALID", fault);
    if (end === undefined) {
      if (partial.length === MAX_HEAD_BYTES) throw headTooLarge();
      return undefined;
    }
    this.#filled = 0;
    const received = partial.toString("latin1", 0, end);
    const text = withoutFolds(withFullLineEnds(received));
    this.#isLoose ||= text !== received;
    const head = parseAnswerHead(text.slice(0, -HEAD_END.length));
    if (typeof head === "string") throw new UpstreamError("INVALID", head);
    const next = from + end - before;
    this.#onHead(head, text.slice(0, -HEAD_END.length), bytes.subarray(next), handler);
    return next;
  }

  /** Keeps at most as many bytes as a header may have. The caller still has the bytes after it. */
  #keep(bytes: Buffer, from: number): Buffer {
    this.#partial ??= Buffer.allocUnsafeSlow(MAX_HEAD_BYTES);
    this.#filled += bytes.copy(this.#partial, this.#filled, from);
    return this.#partial;
  }

  /** @param rest the bytes after the header in the same piece */
  #onHead(head: AnswerHead, text: string, rest: Buffer, handler: AnswerHandler): void {
    this.#partial = undefined;
    if (head.status === 101) {
      if (handler.onSwitch === undefined) throw new UpstreamError("INVALID", "the destination switched protocols, which was not asked for");
      this.#handler = undefined;
      handler.onSwitch(`${text.replace(FRAMING_LINE, "")}${HEAD_END}`, rest);
      return;
    }
    if (head.status < 200) {
      if (this.#isTold(head.status)) handler.onInterim(head);
      return;
    }
    this.#head = head;
    this.#framing = framingOf(head, this.#method);
    // The body that a 204 announces may follow anyway, and would be read as the next answer.
    this.#isLoose ||= head.status === 204 && (head.chunked || (head.contentLength ?? 0) > 0);
    if (this.#framing === "chunked") this.#chunked = new ChunkedBody();
    this.#left = head.contentLength ?? 0;
    handler.onAnswer(head);
    if (this.#framing === "none") this.#complete(handler, NO_TRAILERS);
  }

  /** Whether an interim answer is relayed. */
  #isTold(status: number): boolean {
    this.#interimAnswers += 1;
    this.#firstContinue ??= new FirstContinue();
    return this.#firstContinue.comes(status) || this.#interimAnswers <= MAX_INTERIM_ANSWERS;
  }

  #readBody(bytes: Buffer, from: number, handler: AnswerHandler): number {
    const to = bytes.length;
    if (this.#framing === "chunked") return this.#readChunks(bytes, from, handler);
    const end = this.#framing === "length" ? Math.min(to, from + this.#left) : to;
    this.#left -= end - from;
    if (end > from) handler.onData(bytes.subarray(from, end));
    if (this.#framing === "length" && this.#left === 0) this.#complete(handler, NO_TRAILERS);
    return end;
  }

  #readChunks(bytes: Buffer, from: number, handler: AnswerHandler): number {
    const body = this.#chunked ?? new ChunkedBody();
    try {
      const end = body.decode(bytes, from, bytes.length, (data) => handler.onData(data));
      if (body.done) {
        this.#isLoose ||= body.isLoose;
        this.#complete(handler, body.trailers === "" ? NO_TRAILERS : this.#readTrailers(body.trailers));
      }
      return end;
    } catch (error) {
      if (error instanceof ChunkedBodyFault) throw new UpstreamError("INVALID", error.message);
      throw error;
    }
  }

  /** Envoy also serves an answer with folds or framing fields in its trailers. */
  #readTrailers(received: string): [string, string][] {
    const text = withoutFoldsOf(received);
    // The body ends where its chunks end. A reader that respects the field would expect another
    // end.
    this.#isLoose ||= text !== received || FRAMING_TRAILER.test(text);
    const trailers = parseTrailers(text);
    if (typeof trailers === "string") throw new UpstreamError("INVALID", trailers);
    return trailers;
  }

  #complete(handler: AnswerHandler, trailers: [string, string][]): void {
    this.#handler = undefined;
    this.#chunked = undefined;
    handler.onEnd(trailers);
  }
}

function headTooLarge(): UpstreamError {
  return new UpstreamError("INVALID", "the answer's header is too large");
}

function framingOf(head: AnswerHead, method: string): Framing {
  if (method === "HEAD" || head.status === 204 || head.status === 304) return "none";
  if (head.chunked) return "chunked";
  if (head.contentLength === undefined) return "until-close";
  return head.contentLength === 0 ? "none" : "length";
}
