import type { WireReader } from "../protobuf/reader.ts";
import { readStruct, type StructFields } from "./struct.ts";

/**
 * An Envoy, and by its metadata its workload: the fields of `Node` of envoy.config.core.v3 that
 * Fenceline reads. A text that is absent is empty.
 */
export interface EnvoyNode {
  readonly id: string;
  readonly cluster: string;
  /** Istio metadata `NAMESPACE`. */
  readonly namespace: string;
  /** Istio metadata `LABELS`: the pod's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Istio metadata `ISTIO_VERSION`. */
  readonly istioVersion: string;
  /** Istio metadata `SERVICE_ACCOUNT`. */
  readonly serviceAccount: string;
  /** Istio metadata `WORKLOAD_NAME`. */
  readonly workloadName: string;
}

/**
 * Tags, `field number << 3 | wire type`, of `Node`; the 500 extensions of a real Envoy are skipped.
 */
const ID = (1 << 3) | 2;
const CLUSTER = (2 << 3) | 2;
const METADATA = (3 << 3) | 2;

/** An {@link EnvoyNode} while it is read. */
export class NodeDraft {
  id = "";
  cluster = "";
  readonly metadata: StructFields = new Map();

  /**
   * Whether there are more labels than a pod has, or one is longer than Kubernetes allows. Then no
   * label is read.
   */
  get isTooLarge(): boolean {
    return this.metadata.get("LABELS")?.isTooLarge === true;
  }

  finish(): EnvoyNode {
    return {
      id: this.id,
      cluster: this.cluster,
      namespace: this.#text("NAMESPACE"),
      labels: this.#labels(),
      istioVersion: this.#text("ISTIO_VERSION"),
      serviceAccount: this.#text("SERVICE_ACCOUNT"),
      workloadName: this.#text("WORKLOAD_NAME"),
    };
  }

  #text(key: string): string {
    return this.metadata.get(key)?.text ?? "";
  }

  #labels(): Record<string, string> {
    const labels: [string, string][] = [];
    for (const [key, value] of this.metadata.get("LABELS")?.fields ?? []) {
      if (value.text !== undefined) labels.push([key, value.text]);
    }
    // fromEntries defines own properties, so that `__proto__` stays a label.
    return Object.fromEntries(labels);
  }
}

/** A `Node` field, merged into the draft. */
export function readNode(reader: WireReader, outerEnd: number, draft: NodeDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === ID) draft.id = reader.string(end);
    else if (tag === CLUSTER) draft.cluster = reader.string(end);
    else if (tag === METADATA) readStruct(reader, end, draft.metadata);
    else reader.skip(tag, end);
  }
  reader.close(end);
}
