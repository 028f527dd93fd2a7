import type { Document, LineCounter } from "yaml";
import type { z } from "zod";
import { EndpointSlice, Namespace, Service } from "./core-kinds.ts";
import { FencelineError, InvalidResource, type Location } from "./errors.ts";
import { type FieldPath, faultsOf, formatPath, lineOfField } from "./field-path.ts";
import { safeParseObject } from "./null-fields.ts";
import { type AnyObject, describeObject } from "./object.ts";
import { describeLeftOut, readFenceStatus } from "./read-fence-status.ts";
import { FENCE_API_VERSIONS, ServiceFence } from "./service-fence.ts";
import { contentOf, parseYaml, syntaxFaults } from "./yaml-documents.ts";

/** The objects that Fenceline reads from manifests. */
export type KnownObject = Namespace | Service | EndpointSlice | ServiceFence;

const SCHEMAS: Readonly<Record<string, z.ZodType<KnownObject>>> = {
  "v1/Namespace": Namespace,
  "v1/Service": Service,
  "discovery.k8s.io/v1/EndpointSlice": EndpointSlice,
  ...Object.fromEntries(FENCE_API_VERSIONS.map((version) => [`${version}/ServiceFence`, ServiceFence])),
};

/** Something in a file that is none of our business: it is named, not refused, for a folder of manifests holds many. */
export interface IgnoredObject {
  /** Undefined where it has none. */
  readonly kind: string | undefined;
  readonly reason: "another kind" | "a kustomization" | "has no name, but generateName" | "no Kubernetes object";
}

/** What a file held. */
export interface Manifests {
  readonly objects: readonly KnownObject[];
  readonly ignored: readonly IgnoredObject[];
  /** What of a fence's `status` is not readable, and left out. It is no fault of whoever wrote the manifest: an export of a cluster brings a status along. */
  readonly leftOut: readonly InvalidResource[];
}

/** Most faults that an error lists. More help nobody, and a file of millions of lines may have as many. */
const MOST_FAULTS = 20;

/** A file with at least one thing wrong: every fault is listed (of very many, the first ones), and nothing of the file is taken. */
export class InvalidManifests extends FencelineError {
  readonly faults: readonly InvalidResource[];

  constructor(file: string, faults: readonly InvalidResource[]) {
    const listed = faults.slice(0, MOST_FAULTS);
    const rest = faults.length > listed.length ? [`and ${faults.length - listed.length} more`] : [];
    super("MANIFESTS_INVALID", { at: { file }, message: [...listed.map(({ message }) => message), ...rest].join("\n") });
    this.faults = listed;
  }
}

/**
 * Reads the Kubernetes manifests of one YAML or JSON file (any number of documents, lists included), as kubectl would.
 *
 * @param file name for error messages; one that ends in `.json` may also hold what is no manifest, as many tools keep their settings so
 * @throws {InvalidManifests} naming file, line and field of every fault; a file is taken whole or not at all
 */
export function parseManifests(text: string, file: string): Manifests {
  const { documents, lines } = parseYaml(text);
  const reader = new ManifestReader(file, lines);
  for (const document of documents) reader.readDocument(document);
  if (reader.faults.length > 0) throw new InvalidManifests(file, templateFault(text, file) ?? reader.faults);
  return { objects: reader.objects, ignored: reader.ignored, leftOut: reader.leftOut };
}

/**
 * Actions of Helm's templates, where only YAML may stand: at the start of a line, or as a value. Within quotes they are text like any other. Never beyond
 * the end of a line: from each line of a thousand empty ones it would else look through all that follow.
 */
const TEMPLATE = /^(?:[^"'#\n]*:)?[ \t]*(?:- )?\{\{/m;

/** A chart's templates give faults that say nothing to whoever put them there. */
function templateFault(text: string, file: string): [InvalidResource] | undefined {
  const { index } = TEMPLATE.exec(text) ?? {};
  if (index === undefined) return undefined;
  const line = text.slice(0, text.indexOf("{{", index)).split("\n").length;
  const message = "this is a template of Helm, and no manifest yet";
  return [new InvalidResource("MANIFEST_IS_TEMPLATE", { at: { file, line }, message, hint: "put the output of `helm template` here" })];
}

class ManifestReader {
  readonly objects: KnownObject[] = [];
  readonly ignored: IgnoredObject[] = [];
  readonly leftOut: InvalidResource[] = [];
  readonly faults: InvalidResource[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  readDocument(document: Document): void {
    const faults = syntaxFaults(document, this.#lines);
    for (const { line, message } of faults) this.#fault("MANIFEST_YAML", { line }, message);
    if (faults.length > 0) return;
    const reading = contentOf(document);
    if (reading.fault !== undefined) this.#fault("MANIFEST_YAML", { line: lineOfField(document, this.#lines, []) }, reading.fault);
    else if (reading.value !== undefined && reading.value !== null) this.#readValue(document, reading.value, []);
  }

  #readValue(document: Document, value: unknown, path: FieldPath): void {
    const reason = this.#reasonToIgnore(value);
    if (reason !== undefined) this.ignored.push({ kind: kindOf(value), reason });
    else if (isList(value)) this.#readList(document, value, path);
    else if (isObject(value)) this.#readObject(document, value, path);
    else {
      const at = { line: lineOfField(document, this.#lines, path), path: formatPath(path) };
      const hint = quoteIt(["metadata", "name"].reduce<unknown>(fieldOf, value));
      this.#fault("MANIFEST_NOT_AN_OBJECT", at, `a Kubernetes object has apiVersion, kind and metadata.name${hint || elsewhere(value)}`);
    }
  }

  #reasonToIgnore(value: unknown): IgnoredObject["reason"] | undefined {
    // A list of anything else than objects with a kind, which somebody might take for manifests.
    if (Array.isArray(value) && /\.json$/i.test(this.#file) && !value.some((each) => isRecord(each) && each.kind !== undefined))
      return "no Kubernetes object";
    if (!isRecord(value)) return undefined;
    const { apiVersion, kind, metadata } = value;
    if (typeof apiVersion === "string" && apiVersion.startsWith("kustomize.config.k8s.io/")) return "a kustomization";
    // Each apply of such an object makes another one, so it stands for none that exists.
    if (typeof kind === "string" && isRecord(metadata) && typeof metadata.generateName === "string" && metadata.name === undefined)
      return "has no name, but generateName";
    const isManifest = apiVersion !== undefined || kind !== undefined;
    return !isManifest && /\.json$/i.test(this.#file) ? "no Kubernetes object" : undefined;
  }

  /** As kubectl: the elements of a typed list (`ServiceList`) need not say their kind. */
  #readList(document: Document, list: ListObject, path: FieldPath): void {
    const kind = list.kind.slice(0, -"List".length);
    for (const [index, item] of (list.items ?? []).entries()) {
      const isBare = kind !== "" && isRecord(item) && (item.kind === undefined || item.kind === null);
      this.#readValue(document, isBare ? { ...item, apiVersion: list.apiVersion, kind } : item, [...path, "items", index]);
    }
  }

  #readObject(document: Document, value: AnyObject, path: FieldPath): void {
    const schema = SCHEMAS[`${value.apiVersion}/${value.kind}`];
    if (schema !== undefined) this.#validate(document, value, path, schema);
    else if (value.kind.toLowerCase() !== "servicefence") this.ignored.push({ kind: value.kind, reason: "another kind" });
    else {
      // Nobody else has the kind, and a fence that is passed over in silence fences nothing. kubectl finds no match for it either.
      const isKind = value.kind === "ServiceFence";
      const field = isKind ? "apiVersion" : "kind";
      const at = { line: lineOfField(document, this.#lines, [...path, field]), path: field, object: describeObject(value) };
      const wanted = isKind ? `apiVersion of a fence: use ${FENCE_API_VERSIONS.join(" or ")}` : "kind: use ServiceFence";
      this.#fault("FENCE_INVALID", at, `not ${isKind ? "an" : "a"} ${wanted}, found ${JSON.stringify(value[field])}`);
    }
  }

  #validate(document: Document, value: AnyObject, path: FieldPath, schema: z.ZodType<KnownObject>): void {
    const result = safeParseObject(schema, value);
    if (result.success) {
      this.objects.push(result.data);
      if (result.data.kind === "ServiceFence") this.#tellLeftOut(document, value, path);
      return;
    }
    for (const { field, message } of faultsOf(result.error, value)) {
      const at = { line: lineOfField(document, this.#lines, [...path, ...field]), path: formatPath(field), object: describeObject(value) };
      this.#fault(codeOf(value, field), at, `${message}${quoteIt(field.reduce<unknown>(fieldOf, value))}`);
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

interface ListObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly unknown[] | null | undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `kind: List` without items is an empty one; another kind that ends so is a list only if it has them. */
function isList(value: unknown): value is ListObject {
  if (!isRecord(value)) return false;
  const { apiVersion, kind, items } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || !kind.endsWith("List")) return false;
  return Array.isArray(items) || (kind === "List" && (items === undefined || items === null));
}

function isObject(value: unknown): value is AnyObject {
  if (!isRecord(value)) return false;
  const { apiVersion, kind, metadata } = value;
  return typeof apiVersion === "string" && typeof kind === "string" && isRecord(metadata) && typeof metadata.name === "string";
}

function fieldOf(value: unknown, key: PropertyKey): unknown {
  return (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
}

/** People are surprised by this, most of all by `mode: Off`. */
/** What to do with a file of another use: values of a chart, a compose file, a text. */
function elsewhere(value: unknown): string {
  const isManifest = isRecord(value) && (value.apiVersion !== undefined || value.kind !== undefined);
  return isManifest ? "" : "; a file that is no manifest belongs into another folder";
}

function quoteIt(value: unknown): string {
  return typeof value === "boolean" ? `; on, off, yes, no, y and n are booleans unless they are quoted, and this is ${value}` : "";
}

function kindOf(value: unknown): string | undefined {
  return isRecord(value) && typeof value.kind === "string" ? value.kind : undefined;
}

/** `FENCE_HOST_INVALID` for the field that people get wrong most, `<KIND>_INVALID` for the rest. */
function codeOf({ kind }: AnyObject, field: FieldPath): string {
  const name = kind === "ServiceFence" ? "FENCE" : kind.toUpperCase();
  return field[0] === "spec" && field[1] === "host" && field.length > 2 ? `${name}_HOST_INVALID` : `${name}_INVALID`;
}
