import { Backoff } from "@fenceline/api/vocabulary";
import { bearer } from "@fenceline/wire";
import { asBytes, callMetadata, grpcClient, RECONNECT } from "@fenceline/wire/client";
import { readSyncStatus, type SyncStatus, syncQuestion } from "./sync-status.ts";

/** Settings of {@link watchSyncStatus}. */
export interface SyncStatusWatchOptions {
  /** One istiod: `host:port`, with its TLS port. */
  readonly target: string;
  /** Name in its certificate, such as `istiod.istio-system.svc`. */
  readonly serverName: string;
  /** PEM of the mesh's root certificates; read again for each connection. */
  readonly roots: () => Buffer;
  /** The token by which istiod knows us, of audience `istio-ca`; read again for each stream. */
  readonly token: () => string;
  /** Who asks: this pod. */
  readonly own: { readonly name: string; readonly namespace: string };
  /** Milliseconds between an answer and the next question. */
  readonly interval: number;
  readonly onStatus: (status: Pick<SyncStatus, "proxies">) => void;
  /** The stream ended, or istiod does not answer such questions; it is asked again later. */
  readonly onLost: (reason: string, retryInMs: number) => void;
}

/** A watch that continues until it is closed. */
export interface SyncStatusWatch {
  close(): void;
}

const STREAM = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
/** How long istiod may take to answer, in milliseconds. It is not asked again meanwhile. */
const ANSWER_TIMEOUT = 30_000;
/** Some 400 bytes for each proxy. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Asks one istiod repeatedly which proxies are connected to it and what they refuse. A stream that
 * ends is opened again.
 */
export function watchSyncStatus(options: SyncStatusWatchOptions): SyncStatusWatch {
  const { target, serverName, roots, token, own, interval, onStatus, onLost } = options;
  const backoff = new Backoff(RECONNECT);
  let client: ReturnType<typeof grpcClient> | undefined;
  let stream: ReturnType<typeof openStream> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function lost(reason: string): void {
    if (isClosed || stream === undefined) return;
    stream.cancel();
    stream = undefined;
    // Its root certificates may have changed.
    client?.close();
    const wait = backoff.next();
    clearTimeout(timer);
    timer = setTimeout(open, wait).unref();
    onLost(reason, wait);
  }

  function ask(nonce?: string): void {
    stream?.write(syncQuestion(own, nonce));
    timer = setTimeout(() => lost(`no answer within ${ANSWER_TIMEOUT / 1_000} s`), ANSWER_TIMEOUT).unref();
  }

  function take(bytes: Buffer): void {
    clearTimeout(timer);
    const status = readSyncStatus(bytes);
    if (status === undefined) {
      lost("the answer is no sync status");
      return;
    }
    backoff.reset();
    onStatus(status);
    timer = setTimeout(() => ask(status.nonce), interval).unref();
  }

  function open(): void {
    if (isClosed) return;
    try {
      client = grpcClient(target, RECONNECT, { roots: roots(), serverName, mostBytes: MOST_BYTES });
      const opened = openStream(client, token());
      stream = opened;
      const over = (reason: string) => stream === opened && lost(reason);
      opened
        .on("data", (bytes: Buffer) => stream === opened && take(bytes))
        .on("error", (error) => over(error.message))
        .on("end", () => over("istiod ended the stream"));
      ask();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const wait = backoff.next();
      timer = setTimeout(open, wait).unref();
      onLost(reason, wait);
    }
  }

  open();
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      stream?.cancel();
      client?.close();
    },
  };
}

function openStream(client: ReturnType<typeof grpcClient>, token: string) {
  return client.makeBidiStreamRequest(STREAM, asBytes, asBytes, callMetadata(bearer(token), false));
}
