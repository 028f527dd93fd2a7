import type { AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey, parseFenceLogName, peerOfForwardedClientCert } from "@fenceline/api";
import type { Mesh } from "../../mesh.ts";
import { type Writer, writerOf } from "./direction.ts";
import { mayBeOf, type StreamSource, sourceOfStream } from "./source.ts";
import { TellingWindow, ToldCalls } from "./told-calls.ts";

/** A fence that is told of a call, and what it was told of its calls. */
interface Hearer {
  readonly fence: FenceKey;
  readonly calls: ToldCalls;
}

/** The fence to which a call is attributed, and the others that select the same pods. */
export type Hearers = readonly [Hearer, ...Hearer[]];

/** What a stream reports for. */
export interface Attribution {
  readonly source: StreamSource;
  readonly writer: Writer;
  /** The fences that learn from the stream; undefined where it reports for none. */
  readonly hearers: Hearers | undefined;
  /** Those of them whose workload it observes. */
  readonly observed: readonly FenceKey[];
}

/**
 * Which fences are told what a stream, or the fallback, reports.
 *
 * Several fences may select the same pods. Each of them is told of every call. If a call counted
 * for one fence only, each fence would learn a part of what its pods call. When one of them is
 * deleted, the other would have to learn the rest through the fallback.
 *
 * Streams are open for long, and their attribution changes only with the fences.
 */
export class Attributions {
  #streams = new WeakMap<AccessLogStream, Attribution>();
  readonly #reported = new Map<string, Hearers>();
  readonly #calls = new Map<string, ToldCalls>();
  /** By namespace. */
  readonly #windows = new Map<string, TellingWindow>();
  #version: number | undefined;

  /** @param onNew called with an attribution that is new, or has changed */
  of(stream: AccessLogStream, mesh: Mesh, onNew: (attribution: Attribution) => void): Attribution {
    this.#follow(mesh);
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    const attribution = this.#attribute(stream, mesh);
    this.#streams.set(stream, attribution);
    onNew(attribution);
    return attribution;
  }

  /** Which fences are told of a call that the fallback reports for one of them. */
  ofReport(fence: FenceKey, mesh: Mesh): Hearers {
    this.#follow(mesh);
    const key = formatFenceKey(fence);
    const known = this.#reported.get(key);
    if (known !== undefined) return known;
    const hearers = this.#hearers(fence, mesh.fencesOver(fence));
    this.#reported.set(key, hearers);
    return hearers;
  }

  #attribute(stream: AccessLogStream, mesh: Mesh): Attribution {
    const source = sourceOfStream(stream, mesh);
    const writer = writerOf(stream);
    if (source.kind !== "fence") return { source, writer, hearers: undefined, observed: [] };
    const { fence } = source;
    const { namespace, labels } = stream.node;
    const isPod = mesh.selects(fence, namespace, labels);
    const others = isPod ? mesh.fencesOfPod(namespace, labels) : namespace === "" ? mesh.fencesOver(fence) : [];
    const peer = peerOfForwardedClientCert(stream.forwardedClientCert, mesh.trustDomains);
    const hearers = this.#hearers(
      fence,
      others.filter((other) => mayBeOf(other, peer, mesh)),
    );
    // A fence's own logger covers the pods of that fence. Of another fence with more pods it covers
    // only some, and what the others use would age out.
    const isOwnLogger = parseFenceLogName(stream.logName) !== undefined || !isPod;
    return { source, writer, hearers, observed: isOwnLogger ? [fence] : hearers.map((each) => each.fence) };
  }

  #hearers(fence: FenceKey, others: readonly FenceKey[]): Hearers {
    const rest = others.filter(({ namespace, name }) => namespace !== fence.namespace || name !== fence.name);
    const hearerOf = (each: FenceKey) => ({ fence: each, calls: this.#callsOf(each) });
    return [hearerOf(fence), ...rest.map(hearerOf)];
  }

  #callsOf(fence: FenceKey): ToldCalls {
    const key = formatFenceKey(fence);
    const calls = this.#calls.get(key) ?? new ToldCalls(this.#windowOf(fence.namespace));
    this.#calls.set(key, calls);
    return calls;
  }

  #windowOf(namespace: string): TellingWindow {
    const window = this.#windows.get(namespace) ?? new TellingWindow();
    this.#windows.set(namespace, window);
    return window;
  }

  #follow(mesh: Mesh): void {
    if (this.#version === mesh.fencesVersion) return;
    this.#version = mesh.fencesVersion;
    this.#streams = new WeakMap();
    this.#reported.clear();
    const exist = new Set(mesh.fences().map(({ metadata }) => formatFenceKey(metadata)));
    for (const [fence, calls] of this.#calls) if (!exist.has(fence)) this.#forget(fence, calls);
    const namespaces = new Set(mesh.fences().map(({ metadata }) => metadata.namespace));
    for (const namespace of this.#windows.keys()) if (!namespaces.has(namespace)) this.#windows.delete(namespace);
  }

  #forget(fence: string, calls: ToldCalls): void {
    this.#calls.delete(fence);
    calls.forget();
  }
}
