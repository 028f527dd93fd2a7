import { type Document, LineCounter, parseAllDocuments } from "yaml";
import type { z } from "zod";
import { EndpointSlice, Namespace, Service } from "./core-kinds.ts";
import { FencelineError, InvalidResource, type Location } from "./errors.ts";
import { type FieldPath, faultsOf, formatPath, lineOfField } from "./field-path.ts";
import { type AnyObject, describeObject } from "./object.ts";
import { describeLeftOut, readFenceStatus } from "./read-fence-status.ts";
import { FENCE_API_VERSIONS, ServiceFence } from "./service-fence.ts";

/** The objects that Fenceline reads from manifests. */
export type KnownObject = Namespace | Service | EndpointSlice | ServiceFence;

const SCHEMAS: Readonly<Record<string, z.ZodType<KnownObject>>> = {
  "v1/Namespace": Namespace,
  "v1/Service": Service,
  "discovery.k8s.io/v1/EndpointSlice": EndpointSlice,
  ...Object.fromEntries(FENCE_API_VERSIONS.map((version) => [`${version}/ServiceFence`, ServiceFence])),
};

/** What a file held. Kinds that are none of our business are named, not refused: a folder of manifests holds many. */
export interface Manifests {
  readonly objects: readonly KnownObject[];
  readonly ignored: readonly AnyObject[];
  /** What of a fence's `status` is not readable, and left out. It is no fault of whoever wrote the manifest: an export of a cluster brings a status along. */
  readonly leftOut: readonly InvalidResource[];
}

/** A file with at least one thing wrong: every fault is listed, and nothing of the file is taken. */
export class InvalidManifests extends FencelineError {
  readonly faults: readonly InvalidResource[];

  constructor(file: string, faults: readonly InvalidResource[]) {
    super("MANIFESTS_INVALID", { at: { file }, message: faults.map(({ message }) => message).join("\n") });
    this.faults = faults;
  }
}

/**
 * Reads the Kubernetes manifests of one YAML file (any number of documents, `kind: List` included).
 *
 * @param file name for error messages
 * @throws {InvalidManifests} naming file, line and field of every fault; a file is taken whole or not at all
 */
export function parseManifests(text: string, file: string): Manifests {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  const reader = new ManifestReader(file, lines);
  for (const document of documents) reader.readDocument(document);
  if (reader.faults.length > 0) throw new InvalidManifests(file, reader.faults);
  return { objects: reader.objects, ignored: reader.ignored, leftOut: reader.leftOut };
}

class ManifestReader {
  readonly objects: KnownObject[] = [];
  readonly ignored: AnyObject[] = [];
  readonly leftOut: InvalidResource[] = [];
  readonly faults: InvalidResource[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  readDocument(document: Document): void {
    for (const { code, message, pos } of document.errors) {
      this.#fault("MANIFEST_YAML", { line: this.#lines.linePos(pos[0]).line }, `${message.split("\n", 1)[0] ?? ""} [${code}]`);
    }
    if (document.errors.length > 0) return;
    const value = this.#toValue(document);
    if (value !== undefined && value !== null) this.#readValue(document, value, []);
  }

  /** Aliases that multiply beyond yaml's limit throw only here ("billion laughs"). */
  #toValue(document: Document): unknown {
    try {
      return document.toJS();
    } catch (error) {
      this.#fault("MANIFEST_YAML", { line: 1 }, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #readValue(document: Document, value: unknown, path: FieldPath): void {
    if (!isObject(value)) {
      const line = lineOfField(document, this.#lines, path);
      this.#fault("MANIFEST_NOT_AN_OBJECT", { line, path: formatPath(path) }, "a Kubernetes object has apiVersion, kind and metadata.name");
      return;
    }
    const { items } = value as { items?: unknown };
    if (value.kind.endsWith("List") && Array.isArray(items)) {
      for (const [index, item] of items.entries()) this.#readValue(document, item, [...path, "items", index]);
      return;
    }
    const schema = SCHEMAS[`${value.apiVersion}/${value.kind}`];
    if (schema === undefined) this.ignored.push(value);
    else this.#validate(document, value, path, schema);
  }

  #validate(document: Document, value: AnyObject, path: FieldPath, schema: z.ZodType<KnownObject>): void {
    const result = schema.safeParse(value);
    if (result.success) {
      this.objects.push(result.data);
      if (result.data.kind === "ServiceFence") this.#tellLeftOut(document, value, path);
      return;
    }
    for (const { field, message } of faultsOf(result.error)) {
      const at = { line: lineOfField(document, this.#lines, [...path, ...field]), path: formatPath(field), object: describeObject(value) };
      this.#fault(codeOf(value, field), at, message);
    }
  }

  #tellLeftOut(document: Document, fence: AnyObject & { readonly status?: unknown }, path: FieldPath): void {
    const { leftOut } = readFenceStatus(fence.status);
    if (leftOut.length === 0) return;
    const at = {
      file: this.#file,
      line: lineOfField(document, this.#lines, [...path, "status"]),
      path: "status",
      object: describeObject(fence),
    };
    this.leftOut.push(
      new InvalidResource("STATUS_PARTLY_UNREADABLE", { at, message: `not readable, and left out: ${describeLeftOut(leftOut)}` }),
    );
  }

  #fault(code: string, at: Location, message: string): void {
    this.faults.push(new InvalidResource(code, { at: { file: this.#file, ...at }, message }));
  }
}

function isObject(value: unknown): value is AnyObject {
  if (typeof value !== "object" || value === null) return false;
  const { apiVersion, kind, metadata, items } = value as Record<string, unknown>;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return false;
  if (kind.endsWith("List") && Array.isArray(items)) return true;
  return typeof metadata === "object" && metadata !== null && typeof (metadata as { name?: unknown }).name === "string";
}

/** `FENCE_HOST_INVALID` for the field that people get wrong most, `<KIND>_INVALID` for the rest. */
function codeOf({ kind }: AnyObject, field: FieldPath): string {
  const name = kind === "ServiceFence" ? "FENCE" : kind.toUpperCase();
  return field[0] === "spec" && field[1] === "host" && field.length > 2 ? `${name}_HOST_INVALID` : `${name}_INVALID`;
}
