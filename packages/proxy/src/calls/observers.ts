import type { Refusal } from "../refusals/refusal.ts";
import type { Call } from "./call.ts";

/** What the steps around a call want to know of it. */
export interface CallObserver {
  /** The destination's final status is there; nothing was written to the client yet. */
  answered(call: Call, status: number): void;
  /** A connection that cannot be read is connected to its destination. */
  connected(): void;
  /** Nothing came back that could be relayed. The observer answers the client. */
  failed(call: Call, refusal: Refusal, cause: Error | undefined): void;
  /** A connect attempt failed; the next endpoint may still answer. */
  connectFailed(): void;
  /**
   * The destination broke off an answer of which the client has the beginning. The client is told so by a broken connection or stream, never by a
   * clean end.
   *
   * @param cause what was wrong, for the log
   */
  brokenOff(call: Call, cause: Error): void;
  /** We broke off an answer of which the client has the beginning, or a connection that passed through. */
  gaveUp(call: Call, refusal: Refusal): void;
  /** The client's side is done with this call, in whatever way. Called once. */
  closed(call: Call): void;
}

/** Hears what happens on a connection of a client outside of any call. */
export interface ListenerObserver {
  /** It was refused before there was a call. */
  refused(refusal: Refusal, connection: ListenerFailure): void;
  /** It ended in the midst of a request that was not a call yet. */
  left(connection: ListenerFailure): void;
  /** It is closed for a fault in a request whose answer had begun, so that it cannot be told. */
  broken(refusal: Refusal, connection: ListenerFailure): void;
}

/** Whose connection it is, and what went wrong in the words of whoever noticed. */
interface ListenerFailure {
  /** Address and port that the connection came from. */
  readonly client?: string | undefined;
  readonly cause?: string | undefined;
}
