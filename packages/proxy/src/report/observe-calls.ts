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
 * Step 6, metrics and logs: counts, logs and reports the outcome of each call, and answers those
 * that the destination did not answer.
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
      // A 4xx of ours means that the destination may not be reached, so nothing is learned.
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
      // The edge is learned even if the client did not wait.
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

/** Connections that the listener itself ends are counted and logged. */
export function observeListener(counters: ProxyCounters, log: FailureLog): ListenerObserver {
  return {
    refused(refusal, connection) {
      counters.outcome(refusal.code);
      log.refused(refusal, connection);
    },
    left(connection) {
      // There is no complete request, so it does not count as one.
      log.left(connection);
    },
    broken(refusal, connection) {
      // It is counted already, with the status of its answer.
      log.refused(refusal, connection);
    },
    ended(why, connection) {
      counters.connectionEnded(why);
      log.ended(why, connection);
    },
  };
}
