import { FencelineError } from "@fenceline/api";
import type { Leadership } from "./leader-election.ts";

/**
 * Call it directly before every write that only the leader makes.
 *
 * @param request method and path, for the message
 * @throws {FencelineError} `NOT_LEADER`
 */
export function requireLeadership(leadership: Leadership, request: string): void {
  if (!leadership.mayWrite()) throw new FencelineError("NOT_LEADER", { message: `${request}: another process leads` });
}
