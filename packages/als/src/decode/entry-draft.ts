import type { AccessLogEntry, SocketAddress } from "../access-log-entry.ts";

/** A {@link SocketAddress} while it is read: a repeated sub-message merges into it. */
export interface AddressDraft {
  address: string;
  port: number;
}

const NO_URIS: readonly string[] = Object.freeze([]);

/** Most requests of one entry: nine digits, far more than fit into one flush window. */
const REQUESTS_TEXT = /^[1-9][0-9]{0,8}$/;

/**
 * `AccessLogType` values (envoy.data.accesslog.v3) of an entry that is not the last of its request
 * or connection, as a bit set: TcpUpstreamConnected 1, TcpPeriodic 2, DownstreamStart 4,
 * DownstreamPeriodic 5, UpstreamPoolReady 7, UpstreamPeriodic 8,
 * DownstreamTunnelSuccessfullyEstablished 10, UdpTunnelUpstreamConnected 11, UdpPeriodic 12.
 */
const INTERMEDIATE_TYPES = [1, 2, 4, 5, 7, 8, 10, 11, 12].reduce((bits, type) => bits | (1 << type), 0);

/**
 * An entry while it is read. Proto3 fields may come in any order and more than once. What depends
 * on several fields is decided in {@link finish}.
 */
export class EntryDraft {
  upstreamCluster = "";
  localAddress: AddressDraft | undefined = undefined;
  directRemoteAddress: AddressDraft | undefined = undefined;
  remoteAddress: AddressDraft | undefined = undefined;
  authority = "";
  responseCode = 0;
  sni = "";
  peerUris: string[] | undefined = undefined;
  fenceSource = "";
  /** Read only if it is needed: each is another text, for which no cache helps. */
  requestId = "";
  readonly wantsRequestId: boolean;
  requestsTag = "";
  accessLogType = 0;
  intermediateFlag = false;

  constructor(wantsRequestId: boolean) {
    this.wantsRequestId = wantsRequestId;
  }

  finish(kind: "http" | "tcp"): AccessLogEntry {
    const source: SocketAddress | undefined = this.directRemoteAddress ?? this.remoteAddress;
    const type = this.accessLogType;
    const entry: AccessLogEntry = {
      kind,
      upstreamCluster: this.upstreamCluster,
      downstreamLocalAddress: this.localAddress,
      downstreamDirectRemoteAddress: source,
      authority: this.authority,
      responseCode: this.responseCode,
      sni: this.sni,
      peerUris: this.peerUris ?? NO_URIS,
      fenceSource: this.fenceSource,
      requests: this.requestsTag === "" ? 1 : parseRequests(this.requestsTag),
      intermediate: this.intermediateFlag || (type < 32 && (INTERMEDIATE_TYPES & (1 << type)) !== 0),
    };
    return this.requestId === "" ? entry : { ...entry, requestId: this.requestId };
  }
}

function parseRequests(text: string): number {
  return REQUESTS_TEXT.test(text) ? Number(text) : 1;
}
