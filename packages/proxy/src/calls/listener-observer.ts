import type { Refusal } from "../refusals/refusal.ts";

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
