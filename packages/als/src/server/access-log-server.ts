import { FORWARDED_CLIENT_CERT, formatAddress, listenFailed } from "@fenceline/api/vocabulary";
import {
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { accessLogService, EMPTY_RESPONSE, STREAM_V2, STREAM_V3 } from "../service.ts";
import { IngestStream } from "./ingest-stream.ts";
import { type AccessLogLimits, DEFAULT_LIMITS, serverOptions } from "./limits.ts";
import { type AccessLogSink, guardSink } from "./sink.ts";

/** Another gRPC service on the same port. */
export interface HostedService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
  /** Ends the calls that are open: the server closes. */
  close(): void;
}

export interface AccessLogServerOptions {
  /** Address to listen on, for example `127.0.0.1` or `::`. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly sink: AccessLogSink;
  /** Any limit that is not given has its default. */
  readonly limits?: Partial<AccessLogLimits>;
  /** Services that share the port, its connections and their limits. Default: none. */
  readonly services?: readonly HostedService[];
}

/** A listening access-log server. */
export interface AccessLogServer {
  /** The port that it really listens on. */
  readonly port: number;
  /** Streams open now. */
  readonly streams: number;
  /**
   * Stops listening, answers every open stream with OK, so that its sender goes elsewhere without an error, and waits for connections to close;
   * after `graceMs` milliseconds (default 1 s) it closes those that remain. Never fails.
   */
  close(graceMs?: number): Promise<void>;
}

type Call = ServerReadableStream<Buffer, Buffer>;

/**
 * Serves Envoy's `AccessLogService/StreamAccessLogs` in v3 and v2, in plain text: mTLS is the business of the sidecar in front.
 *
 * @throws FencelineError `LISTEN_FAILED` when the address cannot be bound.
 */
export async function createAccessLogServer({ host, port, sink, limits, services = [] }: AccessLogServerOptions): Promise<AccessLogServer> {
  const bounds = { ...DEFAULT_LIMITS, ...limits };
  const streams = new Set<() => void>();
  const guarded = guardSink(sink);
  const handler = (call: Call, answer: sendUnaryData<Buffer>): void => {
    if (streams.size < bounds.maxStreams) {
      serve(call, answer, streams, guarded);
      return;
    }
    guarded.dropped("too_many_streams", 1);
    answer({ code: status.RESOURCE_EXHAUSTED, details: `more than ${bounds.maxStreams} access-log streams` });
  };
  const server = new Server(serverOptions(bounds));
  for (const path of [STREAM_V3, STREAM_V2]) server.addService(accessLogService(path), { StreamAccessLogs: handler });
  for (const { definition, handlers } of services) server.addService(definition, handlers);
  return {
    port: await listen(server, host, port),
    get streams() {
      return streams.size;
    },
    close(graceMs = 1_000) {
      const closed = shutDown(server, streams, graceMs);
      for (const service of services) service.close();
      return closed;
    },
  };
}

/** Reads one call until it ends, is cancelled or breaks, or until the function that it puts into `streams` is called. */
function serve(call: Call, answer: sendUnaryData<Buffer>, streams: Set<() => void>, sink: Required<AccessLogSink>): void {
  const certificates = call.metadata.get(FORWARDED_CLIENT_CERT).map(String);
  const stream = new IngestStream(
    { peer: call.getPeer(), forwardedClientCert: certificates.length > 0 ? certificates.join(",") : undefined },
    sink,
  );
  const finish = (): void => {
    if (!streams.delete(finish)) return;
    call.removeAllListeners("data");
    stream.close();
    answer(null, EMPTY_RESPONSE);
  };
  streams.add(finish);
  call.on("data", (bytes: Buffer) => stream.message(bytes));
  call.on("end", finish);
  call.on("cancelled", finish);
  call.on("error", finish);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(host, port), ServerCredentials.createInsecure(), (cause, bound) => {
      if (cause === null) return resolve(bound);
      reject(listenFailed(host, port, cause));
    });
  });
}

function shutDown(server: Server, streams: ReadonlySet<() => void>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
    for (const finish of [...streams]) finish();
  });
}
