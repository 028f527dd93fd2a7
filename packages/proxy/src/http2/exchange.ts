import { type ClientHttp2Stream, type ClientSessionRequestOptions, constants, type ServerHttp2Stream } from "node:http2";
import { type AttemptContext, Attempts } from "../calls/attempts.ts";
import { Call, type RequestExchange } from "../calls/call.ts";
import type { ForwardedRequest } from "../calls/request.ts";
import { MEMORY_PER_HEADER_BYTE } from "../load/header-memory.ts";
import { pushJoining, unreadBytes } from "../net/joined-reading.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import { AnswerRelay, noteFrames } from "./answer-relay.ts";
import type { Http2Client } from "./client-session.ts";
import type { Http2Connection } from "./connection.ts";
import { classifyNoSession, refusalOfStream } from "./failure.ts";
import { type AnswerFields, areTooLarge, fieldsSize, interimFields, isRelayable, keepSensitive, relayedFields } from "./fields.ts";
import { InterimAnswers } from "./interim-answers.ts";
import type { SessionWaiter } from "./pool.ts";
import type { Http2Pools } from "./pools.ts";
import { refuseStream } from "./refuse.ts";
import type { Http2Request } from "./request.ts";
import { closeWhenSent, resetStream } from "./reset-stream.ts";
import { NO_CONTENT, sendInterim } from "./respond.ts";
import type { StalledStreams } from "./stalled-streams.ts";
import { type KeptBytes, Upload } from "./upload.ts";

/** What all exchanges share. */
export interface Http2Context extends AttemptContext {
  readonly pools: Http2Pools;
  readonly stalled: StalledStreams;
  readonly lateUploads: StalledStreams;
  readonly kept: KeptBytes;
}

const {
  NGHTTP2_CANCEL,
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_FLAG_END_STREAM,
  NGHTTP2_INTERNAL_ERROR,
  NGHTTP2_NO_ERROR,
  NGHTTP2_REFUSED_STREAM,
} = constants;
const WITHOUT_BODY = { endStream: true };
const WITH_BODY = { endStream: false };
const WITH_TRAILERS = { endStream: false, waitForTrailers: true };

const UNACCEPTABLE = new Refusal("REQUEST_MALFORMED", "the request cannot be written as HTTP/2");
const TOO_LARGE = new Refusal("UPSTREAM_INVALID", "the answer's header is too large");
const UNRELAYABLE = new Refusal("UPSTREAM_INVALID", "the destination's answer has a status or a field that HTTP/2 does not have");
/** Errors of a stream are told by the code that it closes with. */
function ignore(): void {}

/**
 * Step 5, connect and forward: one HTTP/2 request, its attempts, and its answer on the way
 * back.
 */
export class Http2Exchange implements RequestExchange, SessionWaiter {
  readonly call: Call;

  readonly #context: Http2Context;
  readonly #stream: ServerHttp2Stream;
  readonly #request: Http2Request;
  readonly #client: Http2Client;
  readonly #since = performance.now();
  #forwarded: ForwardedRequest | undefined;
  #attempts: Attempts<SessionWaiter> | undefined;
  #upload: Upload | undefined;
  #upstream: ClientHttp2Stream | undefined;
  #relay: AnswerRelay | undefined;
  #interim: InterimAnswers | undefined;

  constructor(context: Http2Context, stream: ServerHttp2Stream, request: Http2Request, client: Http2Client) {
    this.call = new Call(this, context.observer);
    this.#context = context;
    this.#stream = stream;
    this.#request = request;
    this.#client = client;
    client.requested(request.headerBytes, request.hasBody);
    if (request.hasBody) {
      stream.push = countingPush(client);
      this.#upload = new Upload(stream, context.kept);
      stream.on("trailers", (_fields, _flags, rawTrailers) => client.trailed(fieldsSize(rawTrailers)));
    }
    stream.on("close", () => this.#clientClosed());
  }

  get heldBytes(): number {
    const [upload, relay] = [this.#upload, this.#relay];
    const requested = upload === undefined ? 0 : unreadBytes(this.#stream) + upload.waiting + upload.trailerBytes;
    const answered = relay === undefined ? 0 : relay.waiting + relay.fieldBytes;
    return this.#request.headerBytes * MEMORY_PER_HEADER_BYTE + requested + answered;
  }

  get takenBytes(): number {
    return (this.#upload?.taken ?? 0) + (this.#relay?.taken ?? 0);
  }

  get address(): Address | undefined {
    return this.#attempts?.address;
  }

  get client(): string | undefined {
    return this.#client.address;
  }

  get caller(): string {
    return this.call.caller;
  }

  get done(): boolean {
    return this.call.done;
  }

  forward(request: ForwardedRequest, addresses: readonly Address[]): void {
    if (this.call.done) return;
    this.#forwarded = request;
    this.#attempts = new Attempts<SessionWaiter>(this.#context, this.#context.pools, this.call, this, addresses);
    this.#attempts.begin();
  }

  refuse(refusal: Refusal): void {
    this.#upload?.stop();
    refuseStream(this.#stream, this.#request, refusal);
  }

  giveUp(refusal: Refusal): void {
    // Not behind what was written to it: that is what the client does not take. A refusal may be
    // it, too.
    if (!this.call.giveUp(refusal)) resetStream(this.#stream, NGHTTP2_ENHANCE_YOUR_CALM);
    if (this.#upstream !== undefined) resetStream(this.#upstream, NGHTTP2_CANCEL);
  }

  onSession(session: Http2Connection): void {
    const request = this.#forwarded;
    if (request === undefined) return;
    const upload = this.#upload;
    // A gRPC request has no trailers, and to wait for some costs a turn of the event loop and a
    // frame.
    const options = upload === undefined ? WITHOUT_BODY : this.#request.grpc ? WITH_BODY : WITH_TRAILERS;
    const upstream = this.#open(session, request, options);
    if (upstream === undefined) return;
    this.#upstream = upstream;
    noteFrames(upstream, session.reading);
    upstream
      .on("error", ignore)
      .on("headers", (fields, _flags, rawFields) => this.#onInterim(session, upstream, fields, rawFields))
      .on("response", (fields, flags, rawFields) => this.#onAnswer(session, upstream, fields, flags, rawFields))
      .on("close", () => this.#upstreamClosed(session, upstream));
    upload?.sendBy(upstream);
  }

  #open(session: Http2Connection, request: ForwardedRequest, options: ClientSessionRequestOptions): ClientHttp2Stream | undefined {
    try {
      return session.request(this.#head(request), options, this.caller);
    } catch (error) {
      // nghttp2 and Node check the same things, but each for itself.
      this.call.fail(UNACCEPTABLE, error instanceof Error ? error : undefined);
      return undefined;
    }
  }

  onNoSession(error: Error): void {
    this.#attempts?.onNoConnection(classifyNoSession(error), error);
  }

  #head({ method, path, authority, headers }: ForwardedRequest): readonly string[] {
    const head = [":method", method, ":scheme", this.#request.scheme, ":authority", authority, ":path", path, ...headers];
    return keepSensitive(head, this.#request.sensitive);
  }

  #onInterim(session: Http2Connection, upstream: ClientHttp2Stream, fields: AnswerFields, rawFields: readonly string[]): void {
    session.heard();
    const stream = this.#stream;
    if (this.call.done || stream.destroyed || stream.closed || stream.headersSent) return;
    this.#interim ??= new InterimAnswers();
    if (areTooLarge(rawFields) || !this.#interim.mayRelay(fields[":status"], performance.now())) return;
    if (!sendInterim(stream, interimFields(fields, rawFields))) this.#giveUp(upstream, UNRELAYABLE);
  }

  #onAnswer(
    session: Http2Connection,
    upstream: ClientHttp2Stream,
    fields: AnswerFields,
    flags: number,
    rawFields: readonly string[],
  ): void {
    session.heard();
    if (this.call.done) return;
    const fault = areTooLarge(rawFields) ? TOO_LARGE : isRelayable(fields) ? undefined : UNRELAYABLE;
    if (fault !== undefined) {
      this.#giveUp(upstream, fault);
      return;
    }
    this.#upload?.forget();
    const status = fields[":status"] ?? 0;
    this.call.answer(status);
    const headerOnly = (flags & NGHTTP2_FLAG_END_STREAM) !== 0 || this.#request.method === "HEAD" || NO_CONTENT.has(status);
    this.#relay = new AnswerRelay(session, upstream, this.#stream, this.#client, this.#context.stalled, () => {
      this.#upload?.answered();
      this.call.complete();
    });
    this.#relay.begin(relayedFields(fields, rawFields), headerOnly);
  }

  /** The answer cannot be relayed. */
  #giveUp(upstream: ClientHttp2Stream, refusal: Refusal): void {
    this.call.fail(refusal);
    resetStream(upstream, NGHTTP2_CANCEL);
  }

  #upstreamClosed(session: Http2Connection, upstream: ClientHttp2Stream): void {
    session.release(this.caller);
    if (upstream !== this.#upstream) return;
    if (!this.call.done) this.#relay?.close();
    if (this.call.done) this.#endUpload();
    else if (this.call.answered) this.#breakOff(session.broken ? NGHTTP2_INTERNAL_ERROR : upstream.rstCode);
    else if (this.#mayRepeat(session, upstream)) {
      this.#upload?.hold();
      // A destination that stops says GOAWAY on all its connections at once, and closes them at
      // once when it dies. A turn later that has been read.
      setImmediate(() => this.#repeat());
    } else {
      this.call.fail(refusalOfStream(upstream.rstCode, session.broken), new Error(`stream closed with code ${upstream.rstCode}`));
    }
  }

  #repeat(): void {
    if (this.call.done) return;
    this.#upstream = undefined;
    this.#attempts?.begin();
  }

  /**
   * The answer is complete, and the destination does not want the rest of the request (RFC 9113
   * §8.1).
   */
  #endUpload(): void {
    if (this.#upload === undefined || this.#stream.readableEnded || this.#stream.destroyed) return;
    this.#upload.stop();
    closeWhenSent(this.#stream, NGHTTP2_NO_ERROR);
  }

  #breakOff(code: number): void {
    this.#upload?.stop();
    this.call.breakOff(new Error(`stream closed with code ${code}`));
    // A stream that ends without an error would look complete.
    closeWhenSent(this.#stream, code === NGHTTP2_NO_ERROR ? NGHTTP2_INTERNAL_ERROR : code);
  }

  #mayRepeat(session: Http2Connection, upstream: ClientHttp2Stream): boolean {
    const repeatable = this.#upload?.repeatable ?? true;
    const refused = upstream.rstCode === NGHTTP2_REFUSED_STREAM;
    // Where the GOAWAY came before the request was sent, nghttp2 refuses it.
    if (session.neverTook(upstream) || (refused && session.goesAway)) return repeatable && this.#attempts?.mayRepeatBehindGoaway() === true;
    if (refused && !session.broken) return repeatable && this.#attempts?.mayRepeatRefused() === true;
    const { method = "" } = this.#forwarded ?? {};
    return session.broken && session.isKeptAlive && this.#attempts?.mayRepeat(method, this.#upload !== undefined) === true;
  }

  /** The client's stream closed, after the answer or in the middle of it. */
  #clientClosed(): void {
    this.#context.stalled.forget(this.#stream);
    this.#upload?.forget();
    if (this.call.leave()) this.#client.left(this.#since, this.call.answered);
    else if (this.call.answered) this.#client.finished();
    if (this.#upstream === undefined) this.#attempts?.leave();
    const upstream = this.#upstream;
    const outlives = this.#upload?.outlivesClient === true && this.#stream.rstCode === NGHTTP2_NO_ERROR;
    if (outlives && upstream?.closed === false) {
      this.#finishUpload(upstream);
      return;
    }
    // After a complete exchange both streams are closed by now, and this does nothing.
    if (upstream !== undefined) resetStream(upstream, NGHTTP2_CANCEL);
    this.call.close();
  }

  /**
   * What was sent whole, and is not taken yet, goes on to the destination, as with Envoy. It stays
   * a call in flight, whose bytes are counted, and is cut when none of them is taken for too long.
   */
  #finishUpload(upstream: ClientHttp2Stream): void {
    this.#context.lateUploads.watch(upstream);
    upstream.on("close", () => {
      this.#context.lateUploads.forget(upstream);
      this.call.close();
    });
  }
}

/** A stream's `push`, which is called with each DATA frame: whoever reads gets several joined. */
function countingPush(client: Http2Client): typeof pushJoining {
  return function (chunk, encoding) {
    if (Buffer.isBuffer(chunk)) client.uploaded(chunk.length);
    return pushJoining.call(this, chunk, encoding);
  };
}
