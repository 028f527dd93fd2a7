import { formatFenceKey } from "@fenceline/api/vocabulary";
import type { CallObserver } from "../call.ts";
import type { Refusal } from "../refusal.ts";
import type { CallsInFlight } from "./calls-in-flight.ts";
import type { EdgeReports } from "./edge-reports.ts";
import type { FailureLog } from "./failure-log.ts";
import type { ProxyCounters } from "./metrics.ts";

export interface ObserverParts {
  readonly counters: ProxyCounters;
  readonly calls: CallsInFlight;
  readonly reports: EdgeReports;
  readonly log: FailureLog;
  readonly draining: () => boolean;
  /** Called when a call is over, so that a connection that has just become idle can be closed during a drain. */
  readonly onClosed: () => void;
}

/** Step 6 and the books: counts, logs and reports what became of each call, and answers those that the destination did not. */
export function createObserver({ counters, calls, reports, log, draining, onClosed }: ObserverParts): CallObserver {
  return {
    answered(call, status) {
      counters.answered(status);
      if (call.edge !== undefined) reports.report(call.edge, status);
    },
    connected() {
      counters.outcome("CONNECTED");
    },
    failed(call, refusal, cause) {
      counters.outcome(refusal.code);
      const { edge, route } = call;
      // A 4xx of ours means that the destination was never going to be reached: nothing to learn from.
      if (edge !== undefined && refusal.status < 500) reports.withdraw(edge);
      else if (edge !== undefined) reports.report(edge, refusal.status);
      log.refused(refusal, {
        authority: route?.destination.authority,
        source: route?.destination.source === undefined ? undefined : formatFenceKey(route.destination.source),
        endpoint: call.address?.origin,
        cause: cause?.message,
      });
      call.refuse(refusal, !draining());
    },
    connectFailed() {
      counters.connectFailures += 1;
    },
    brokenOff() {
      counters.brokenOff += 1;
    },
    closed(call) {
      calls.end(call);
      if (call.gone && !call.answered) counters.outcome("CLIENT_GONE");
      // An impatient client teaches the edge as well as a patient one.
      if (call.edge !== undefined) reports.report(call.edge, 0);
      onClosed();
    },
  };
}

/** What the listener refused before there was a call. */
export function observeListenerRefusal(counters: ProxyCounters, log: FailureLog): (refusal: Refusal) => void {
  return (refusal) => {
    counters.outcome(refusal.code);
    log.refused(refusal, {});
  };
}
