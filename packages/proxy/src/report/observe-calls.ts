import { formatFenceKey } from "@fenceline/api/vocabulary";
import type { Call, CallObserver } from "../calls/call.ts";
import type { Lifecycle } from "../calls/lifecycle.ts";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import type { CallsInFlight } from "./calls-in-flight.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { EdgeReports } from "./edge-reports.ts";
import type { FailedCall, FailureLog } from "./failure-log.ts";
import type { ProxyCounters } from "./metrics.ts";

export interface ObserverParts {
  readonly counters: ProxyCounters;
  readonly calls: CallsInFlight;
  readonly reports: EdgeReports;
  readonly log: FailureLog;
  /** Undefined unless level debug is logged. */
  readonly decisions?: DecisionLog | undefined;
  readonly lifecycle: Lifecycle;
}

/**
 * Step 6 and the books: counts, logs and reports what became of each call, and answers those that
 * the destination did not.
 */
export function createObserver({ counters, calls, reports, log, decisions, lifecycle }: ObserverParts): CallObserver {
  return {
    answered(call, status) {
      counters.answered(status);
      decisions?.answered(call, status);
      if (call.edge !== undefined) reports.report(call.edge, status, decisions?.requestIdOf(call));
    },
    connected() {
      counters.outcome("CONNECTED");
    },
    failed(call, refusal, cause) {
      counters.outcome(refusal.code);
      const { edge } = call;
      // A 4xx of ours means that the destination was never going to be reached: nothing to learn
      // from.
      if (edge !== undefined && refusal.status < 500) reports.withdraw(edge);
      else if (edge !== undefined) reports.report(edge, refusal.status, decisions?.requestIdOf(call));
      log.refused(refusal, { ...describe(call, cause), requestId: decisions?.requestIdOf(call) });
      call.exchange.refuse(refusal, !lifecycle.isDraining);
    },
    connectFailed() {
      counters.connectFailures += 1;
    },
    brokenOff(call, cause) {
      counters.brokenOff += 1;
      log.brokenOff({ ...describe(call, cause), requestId: decisions?.requestIdOf(call) });
    },
    gaveUp(call, refusal) {
      counters.gaveUp += 1;
      log.gaveUp(refusal, { ...describe(call, undefined), requestId: decisions?.requestIdOf(call) });
    },
    closed(call) {
      calls.end(call);
      if (call.gone && !call.answered) counters.outcome("CLIENT_GONE");
      // An impatient client teaches the edge as well as a patient one.
      if (call.edge !== undefined) reports.report(call.edge, 0, decisions?.requestIdOf(call));
      lifecycle.callEnded();
    },
  };
}

function describe({ route, exchange: { address, client } }: Call, cause: Error | undefined): FailedCall {
  const destination = route?.destination;
  return {
    client,
    authority: destination?.authority,
    source: destination?.source === undefined ? undefined : formatFenceKey(destination.source),
    endpoint: address?.origin,
    cause: cause?.message,
  };
}

/** No connection that the listener ends by itself is without a trace. */
export function observeListener(counters: ProxyCounters, log: FailureLog): ListenerObserver {
  return {
    refused(refusal, connection) {
      counters.outcome(refusal.code);
      log.refused(refusal, connection);
    },
    left(connection) {
      // Nobody knows what it would have asked for, so it is no request.
      log.left(connection);
    },
    broken(refusal, connection) {
      // Counted by then, with the status of its answer.
      log.refused(refusal, connection);
    },
    ended(why, connection) {
      counters.connectionEnded(why);
      log.ended(why, connection);
    },
  };
}
