import type { Document, LineCounter } from "yaml";
import { FencelineError, InvalidResource, type Location } from "./errors.ts";
import { type Fault, type FieldPath, formatPath, lineOfField } from "./field-path.ts";
import { isJsonObject } from "./json-object.ts";
import { faultCodeOf, groupOf, isOwnKind, keptOf, type OwnKind, type ReadKind, wordFor } from "./kinds/kind.ts";
import { describeLeftOut } from "./kinds/left-out.ts";
import { type KnownObject, MANIFEST_KINDS } from "./kinds/table.ts";
import { type AnyObject, describeObject } from "./object.ts";
import { readObject } from "./read-object.ts";
import { isStopped, stoppedIn } from "./stopped-objects.ts";
import { contentOf, parseYaml, syntaxFaults } from "./yaml-documents.ts";

/**
 * Something in a file that is none of our business: it is named, not refused, for a folder of
 * manifests holds many.
 */
export interface IgnoredObject {
  /** Undefined where it has none. */
  readonly kind: string | undefined;
  readonly reason: "another kind" | "a kustomization" | "has no name, but generateName" | "no Kubernetes object";
}

/** What a file held. */
export interface Manifests<O = KnownObject> {
  readonly objects: readonly O[];
  readonly ignored: readonly IgnoredObject[];
  /**
   * What of an object of ours is not readable, and left out: parts of its `status`, which are no
   * fault of whoever wrote the manifest, as an export of a cluster brings one along; parts of its
   * spec, where the rest counts.
   */
  readonly leftOut: readonly InvalidResource[];
}

/**
 * Most faults that an error lists. More help nobody, and a file of millions of lines may have as
 * many.
 */
const MOST_FAULTS = 20;

/**
 * A file with at least one thing wrong: every fault is listed (of very many, the first ones), and
 * nothing of the file is taken.
 */
export class InvalidManifests extends FencelineError {
  readonly faults: readonly InvalidResource[];
  /** Objects of ours that the file switches off: that counts, whatever is wrong beside it. */
  readonly stopped: readonly AnyObject[];

  /** @param found how many there are. Default: those */
  constructor(file: string, faults: readonly InvalidResource[], found: number = faults.length, stopped: readonly AnyObject[] = []) {
    const listed = faults.slice(0, MOST_FAULTS);
    const rest = found > listed.length ? [`and ${found - listed.length} more`] : [];
    super("MANIFESTS_INVALID", { at: { file }, message: [...listed.map(({ message }) => message), ...rest].join("\n") });
    this.faults = listed;
    this.stopped = stopped;
  }
}

/**
 * Reads the Kubernetes manifests of one YAML or JSON file (any number of documents, lists
 * included), as kubectl would.
 *
 * @param file name for error messages; one that ends in `.json` may also hold what is no manifest,
 * as many tools keep their settings so
 * @param kinds default: {@link MANIFEST_KINDS}
 * @param salvages whether the rest of an object with faults counts, where its kind says so; they
 * are then among what is left out. Default false
 * @throws {InvalidManifests} naming file, line and field of every fault; a file is taken whole or
 * not at all
 */
export function parseManifests(text: string, file: string): Manifests;
export function parseManifests<O>(text: string, file: string, kinds: readonly ReadKind<O>[], salvages?: boolean): Manifests<O>;
export function parseManifests(
  text: string,
  file: string,
  kinds: readonly ReadKind<unknown>[] = MANIFEST_KINDS,
  salvages = false,
): Manifests<unknown> {
  const { documents, lines } = parseYaml(text);
  const reader = new ManifestReader(file, lines, kinds, salvages);
  for (const document of documents) reader.readDocument(document);
  const { faults, found, stopped } = reader;
  const template = faults.length > 0 ? templateFault(text, file) : undefined;
  if (template !== undefined) throw new InvalidManifests(file, template);
  if (faults.length > 0) throw new InvalidManifests(file, faults, found, stopped);
  return { objects: reader.objects, ignored: reader.ignored, leftOut: reader.leftOut };
}

/**
 * Actions of Helm's templates, where only YAML may stand: at the start of a line, or as a value.
 * Within quotes they are text like any other. Never beyond the end of a line: from each line of a
 * thousand empty ones it would else look through all that follow.
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
  readonly objects: unknown[] = [];
  readonly ignored: IgnoredObject[] = [];
  readonly leftOut: InvalidResource[] = [];
  /** Objects of ours that are switched off. */
  readonly stopped: AnyObject[] = [];
  /** Of very many, the first ones. */
  readonly faults: InvalidResource[] = [];
  /** How many faults there are. */
  found = 0;
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #kinds: readonly ReadKind<unknown>[];
  readonly #salvages: boolean;

  constructor(file: string, lines: LineCounter, kinds: readonly ReadKind<unknown>[], salvages: boolean) {
    this.#salvages = salvages;
    this.#file = file;
    this.#lines = lines;
    this.#kinds = kinds;
  }

  readDocument(document: Document): void {
    const faults = syntaxFaults(document, this.#lines);
    for (const { line, message } of faults) this.#fault("MANIFEST_YAML", { line }, message);
    if (faults.length > 0) {
      this.stopped.push(...stoppedIn(document, this.#kinds, faults));
      return;
    }
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
    if (Array.isArray(value) && /\.json$/i.test(this.#file) && !value.some((each) => isJsonObject(each) && each.kind !== undefined))
      return "no Kubernetes object";
    if (!isJsonObject(value)) return undefined;
    const { apiVersion, kind, metadata } = value;
    if (typeof apiVersion === "string" && apiVersion.startsWith("kustomize.config.k8s.io/")) return "a kustomization";
    // Each apply of such an object makes another one, so it stands for none that exists.
    if (typeof kind === "string" && isJsonObject(metadata) && typeof metadata.generateName === "string" && metadata.name === undefined)
      return "has no name, but generateName";
    const isManifest = apiVersion !== undefined || kind !== undefined;
    return !isManifest && /\.json$/i.test(this.#file) ? "no Kubernetes object" : undefined;
  }

  /** As kubectl: the elements of a typed list (`ServiceList`) need not say their kind. */
  #readList(document: Document, list: ListObject, path: FieldPath): void {
    const kind = list.kind.slice(0, -"List".length);
    for (const [index, item] of (list.items ?? []).entries()) {
      const isBare = kind !== "" && isJsonObject(item) && (item.kind === undefined || item.kind === null);
      this.#readValue(document, isBare ? { ...item, apiVersion: list.apiVersion, kind } : item, [...path, "items", index]);
    }
  }

  #readObject(document: Document, value: AnyObject, path: FieldPath): void {
    const kind = this.#kinds.find(({ name }) => name === value.kind);
    if (kind?.apiVersions.includes(value.apiVersion)) {
      this.#validate(document, value, path, kind);
      return;
    }
    const ours = this.#kinds.find((candidate) => isOwnKind(candidate) && isMeant(candidate.name, value.kind));
    if (ours === undefined) this.#readOther(document, value, path);
    else {
      // Nobody else has the kind, and an object that is passed over in silence does nothing.
      // kubectl finds no match for it either.
      const isKind = value.kind === ours.name;
      const field = isKind ? "apiVersion" : "kind";
      const at = { line: lineOfField(document, this.#lines, [...path, field]), path: field, object: describeObject(value) };
      const wanted = isKind ? `an apiVersion of a ${wordFor(ours)}: use ${ours.apiVersions.join(" or ")}` : `a kind: use ${ours.name}`;
      this.#fault(faultCodeOf(ours, [field]), at, `not ${wanted}, found ${JSON.stringify(value[field])}`);
    }
  }

  /** Nobody but us has kinds in our groups: what is none of them there is a typing error. */
  #readOther(document: Document, value: AnyObject, path: FieldPath): void {
    const group = groupOf(value.apiVersion).trim().toLowerCase();
    const inGroup = this.#kinds.filter((kind) => isOwnKind(kind) && kind.apiVersions.some((version) => groupOf(version) === group));
    const [ours] = inGroup;
    if (ours === undefined || SLIME_ONLY.has(value.kind)) {
      this.ignored.push({ kind: value.kind, reason: "another kind" });
      return;
    }
    const at = { line: lineOfField(document, this.#lines, [...path, "kind"]), path: "kind", object: describeObject(value) };
    const names = inGroup.map(({ name }) => name).join(" or ");
    this.#fault("MANIFEST_KIND_UNKNOWN", at, `not a kind of ${group}: use ${names}, found ${JSON.stringify(value.kind)}`);
  }

  #validate(document: Document, value: AnyObject, path: FieldPath, kind: ReadKind<unknown>): void {
    const { object, faults, mistakes = [] } = readObject(kind, value, this.#salvages);
    if (faults === undefined) {
      this.objects.push(keptOf(kind, object));
      if (isStopped(kind, value)) this.stopped.push(object as AnyObject);
      for (const mistake of mistakes.slice(0, MOST_FAULTS)) this.leftOut.push(this.#faultOf(document, value, path, kind, mistake));
      if (isOwnKind(kind)) this.#tellLeftOut(document, value, path, kind);
      return;
    }
    for (const fault of faults) this.faults.push(this.#faultOf(document, value, path, kind, fault));
  }

  #faultOf(document: Document, value: AnyObject, path: FieldPath, kind: ReadKind<unknown>, fault: Fault): InvalidResource {
    const { field, message, isUnknown = false } = fault;
    const line = lineOfField(document, this.#lines, [...path, ...field]);
    const at = { file: this.#file, line, path: formatPath(field), object: describeObject(value) };
    const hint = isUnknown ? "" : quoteIt(field.reduce<unknown>(fieldOf, value));
    return new InvalidResource(faultCodeOf(kind, field), { at, message: `${message}${hint}` });
  }

  #tellLeftOut(document: Document, object: AnyObject & { readonly status?: unknown }, path: FieldPath, { readStatus }: OwnKind): void {
    const { leftOut, unnamed } = readStatus(object.status);
    if (leftOut.length === 0) return;
    const line = lineOfField(document, this.#lines, [...path, "status"]);
    const at = { file: this.#file, line, path: "status", object: describeObject(object) };
    const message = `not readable, and left out: ${describeLeftOut(leftOut, unnamed)}`;
    this.leftOut.push(new InvalidResource("STATUS_PARTLY_UNREADABLE", { at, message }));
  }

  #fault(code: string, at: Location, message: string): void {
    this.found += 1;
    if (this.faults.length >= MOST_FAULTS) return;
    this.faults.push(new InvalidResource(code, { at: { file: this.#file, ...at }, message }));
  }
}

/**
 * Kinds of Slime that share its groups and are not rendered: whoever migrates has them in the same
 * files.
 */
const SLIME_ONLY: ReadonlySet<string> = new Set(["EnvoyPlugin", "PluginManager"]);

/**
 * Whether a kind is another one by its letters' case, an `s`, or what cannot be seen: a blank, a
 * control, a mark of no width.
 */
function isMeant(name: string, kind: string): boolean {
  const letters = kind.replace(/[^A-Za-z]/g, "").toLowerCase();
  return letters === name.toLowerCase() || letters === `${name.toLowerCase()}s`;
}

interface ListObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly unknown[] | null | undefined;
}

/**
 * `kind: List` without items is an empty one; another kind that ends so is a list only if it has
 * them.
 */
function isList(value: unknown): value is ListObject {
  if (!isJsonObject(value)) return false;
  const { apiVersion, kind, items } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || !kind.endsWith("List")) return false;
  return Array.isArray(items) || (kind === "List" && (items === undefined || items === null));
}

function isObject(value: unknown): value is AnyObject {
  if (!isJsonObject(value)) return false;
  const { apiVersion, kind, metadata } = value;
  return typeof apiVersion === "string" && typeof kind === "string" && isJsonObject(metadata) && typeof metadata.name === "string";
}

function fieldOf(value: unknown, key: PropertyKey): unknown {
  return (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
}

/** What to do with a file of another use: values of a chart, a compose file, a text. */
function elsewhere(value: unknown): string {
  const isManifest = isJsonObject(value) && (value.apiVersion !== undefined || value.kind !== undefined);
  return isManifest ? "" : "; a file that is no manifest belongs into another folder";
}

/** People are surprised by this, most of all by `mode: Off`. */
function quoteIt(value: unknown): string {
  return typeof value === "boolean" ? `; on, off, yes, no, y and n are booleans unless they are quoted, and this is ${value}` : "";
}

function kindOf(value: unknown): string | undefined {
  return isJsonObject(value) && typeof value.kind === "string" ? value.kind : undefined;
}
