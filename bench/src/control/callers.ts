import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { encodeAccessLogMessage } from "@fenceline/als";
import { framed } from "../grpc-frame.ts";
import type { Place } from "./mesh.ts";

const METHOD = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
/** Envoys do not share connections. Here some do, to save resources of the machine. */
const STREAMS_PER_CONNECTION = 50;

/** Envoys of fences, each with a stream of access logs. */
export class Callers {
  readonly #sessions: readonly ClientHttp2Session[];
  readonly #streams: readonly ClientHttp2Stream[];

  private constructor(sessions: readonly ClientHttp2Session[], streams: readonly ClientHttp2Stream[]) {
    this.#sessions = sessions;
    this.#streams = streams;
  }

  /**
   * Opens a stream for each fence, to the collectors in turn. Resolves when the collectors have
   * accepted the connections.
   */
  static async open(ports: readonly number[], fences: readonly Place[]): Promise<Callers> {
    const connections = Math.ceil(fences.length / STREAMS_PER_CONNECTION / ports.length) * ports.length;
    const sessions = Array.from({ length: connections }, (_, at) =>
      connect(`http://127.0.0.1:${ports[at % ports.length]}`).on("error", () => {}),
    );
    const streams = fences.map(({ namespace, name }, at) => {
      const session = sessions[at % connections] as ClientHttp2Session;
      const stream = session.request({ ":method": "POST", ":path": METHOD, "content-type": "application/grpc" }).on("error", () => {});
      const identifier = { logName: `fenceline/${namespace}/${name}`, node: { id: `sidecar~10.0.0.1~${name}-0.${namespace}~x` } };
      stream.write(framed(encodeAccessLogMessage({ identifier, entries: [] })));
      return stream;
    });
    await Promise.all(sessions.map((session) => session.connecting && once(session, "connect")));
    return new Callers(sessions, streams);
  }

  get count(): number {
    return this.#streams.length;
  }

  /** One call of a fence's workload, logged at once. */
  call(caller: number, host: string): void {
    const stream = this.#streams[caller];
    if (stream === undefined || stream.destroyed) throw new Error(`the collector ended the stream of caller ${caller}`);
    stream.write(framed(encodeAccessLogMessage({ entries: [{ upstreamCluster: `outbound|80||${host}`, responseCode: 200 }] })));
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }
}
