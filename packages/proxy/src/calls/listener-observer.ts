import type { Refusal } from "../refusals/refusal.ts";

/**
 * Why an HTTP/2 connection was ended because of its client: floods, bytes that are no HTTP/2, no
 * SETTINGS in time, a header without an end, or a client that takes nothing of what is sent.
 */
export const ENDINGS = ["FLOOD", "PROTOCOL_ERROR", "NO_SETTINGS", "UNFINISHED", "STALLED"] as const;
export type Ending = (typeof ENDINGS)[number];

/** Is told what happens on a connection of a client outside of any call. */
export interface ListenerObserver {
  /** It was refused before there was a call. */
  refused(refusal: Refusal, connection: ListenerFailure): void;
  /** It ended in the middle of a request that was no call yet. */
  left(connection: ListenerFailure): void;
  /**
   * It is closed because of a fault in a request whose answer had begun, so the client cannot be
   * told.
   */
  broken(refusal: Refusal, connection: ListenerFailure): void;
  /** It was ended without an answer: HTTP/2 has none for a connection. */
  ended(why: Ending, connection: ListenerFailure): void;
}

/** Whose connection it is, and what went wrong, in the words of the part that noticed. */
interface ListenerFailure {
  /** Address and port that the connection came from. */
  readonly client?: string | undefined;
  readonly cause?: string | undefined;
}
