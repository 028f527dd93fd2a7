import { accessLogService } from "@fenceline/als";
import type { RunningSource, SightingSink, TelemetrySource } from "@fenceline/edges";
import type { CallerCheck, GrpcService } from "@fenceline/wire";
import { AccessLogReader, type AccessLogReaderOptions } from "./access-log-reader.ts";

export interface AccessLogSourceOptions extends AccessLogReaderOptions {
  /** Serves the source's service on the collector's gRPC port. */
  readonly serve: (service: GrpcService) => void;
  /** Whether a call in the fallback's name comes from the global sidecar. */
  readonly fallbackCaller: CallerCheck;
}

/** Access logs of the workloads' own proxies, and of the fallback, as a source of telemetry. */
export class AccessLogSource implements TelemetrySource {
  readonly #options: AccessLogSourceOptions;

  constructor(options: AccessLogSourceOptions) {
    this.#options = options;
  }

  async start(sightings: SightingSink): Promise<RunningSource> {
    const { serve, fallbackCaller, decisions } = this.#options;
    const sink = new AccessLogReader(sightings, this.#options);
    serve(accessLogService({ sink, fallbackCaller, requestIds: decisions !== undefined }));
    // Once the port that serves it is closed, it reports nothing any more.
    return { close: async () => {} };
  }
}
