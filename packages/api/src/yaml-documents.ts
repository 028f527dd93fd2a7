import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Scalar,
  type ScalarTag,
  type Tags,
  visit,
  type YAMLMap,
} from "yaml";
import { boundedDocuments } from "./bounded-documents.ts";
import { separated } from "./json-values.ts";

/** A YAML text, as far as its syntax goes. */
export interface YamlText {
  readonly documents: readonly Document[];
  readonly lines: LineCounter;
}

/**
 * Types of YAML 1.1 that kubectl does not know, or takes for text: `22:22` is no number of minutes,
 * `2001-01-01` no time.
 */
const UNKNOWN_TO_KUBECTL = new Set(["timestamp", "binary", "omap", "pairs", "set"].map((name) => `tag:yaml.org,2002:${name}`));

/**
 * A lone CR is a line end of YAML 1.1, too. CR CR LF is what a text of Windows becomes that was
 * translated twice; the parser would take the first CR for a part of the value before it.
 */
const LINE_END = /\r+\n?/g;

/**
 * By hand, since an expression that tells the two apart looks at the rest of a run of CRs from each
 * one of them.
 */
function lineEnd(run: string): string {
  return run.endsWith("\n") ? "\n" : "\n".repeat(run.length);
}

/**
 * Reads YAML or JSON the way kubectl does, by sigs.k8s.io/yaml (1.6, on a fork of go-yaml 2): YAML
 * 1.1 with merge keys, `on`, `yes` and `y` are booleans, `017` is octal. Keys that stand twice are
 * faults: kubectl asks the API server for strict validation, which refuses them.
 *
 * Never throws: faults of the syntax stand in the documents, as does that a text is too much to
 * read ({@link boundedDocuments}).
 */
export function parseYaml(text: string): YamlText {
  const lines = new LineCounter();
  const documents = withoutStacks(() =>
    boundedDocuments(separated(text.replace(LINE_END, lineEnd)), lines, {
      // It compares each key with each, which takes minutes of a large file: see `structureFaults`.
      uniqueKeys: false,
      version: "1.1",
      customTags: kubectlTags,
      logLevel: "error",
    }),
  );
  return { documents, lines };
}

/**
 * The parser makes an error of each fault, and a text may have one for each of its characters. Most
 * of the time goes into where they were made, which nobody reads.
 */
function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * The value of a document without faults, or what is wrong with its aliases: they lead nowhere or
 * multiply without end ("billion laughs").
 */
export function contentOf(document: Document): { readonly value?: unknown; readonly fault?: string } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    if (error instanceof RangeError) return { fault: TOO_DEEP };
    return { fault: firstLine(error instanceof Error ? error.message : String(error)) };
  }
}

/** A fault, with its line counted from 1. */
export interface SyntaxFault {
  readonly line: number;
  readonly message: string;
}

/** What is wrong with the syntax of a document. */
export function syntaxFaults(document: Document, lines: LineCounter): readonly SyntaxFault[] {
  const faults = document.errors.map(({ code, message, pos }) => ({
    line: lines.linePos(pos[0]).line,
    // The parser calls itself once per level, and reports its own stack overflow as a fault.
    message: message.startsWith("Maximum call stack") ? TOO_DEEP : `${firstLine(message)} [${code}]`,
  }));
  return faults.length > 0 ? faults : structureFaults(document, lines);
}

/**
 * Steps that aliases may take to be followed: each is looked for among all aliases and anchors.
 * About half a second.
 */
const MOST_STEPS = 20_000_000;

/** Keys that merge keys may copy: each copies all of its source. About a fifth of a second. */
const MOST_MERGED = 1_000_000;

/**
 * Keys that stand twice in a map, aliases that lead nowhere or would take too long to follow, and
 * merge keys with something else than maps.
 */
function structureFaults(document: Document, lines: LineCounter): readonly SyntaxFault[] {
  const found: SyntaxFault[] = [];
  /** By anchor, the latest node in the order of the text. */
  const anchored = new Map<string, Node>();
  const merged = new MergedKeys();
  const tell = (offset: number, message: string) => found.push({ line: lines.linePos(offset).line, message });
  let aliases = 0;
  let anchors = 0;
  try {
    visit(document, {
      Node: (_key, node) => {
        if (isAlias(node)) {
          aliases += 1;
          if (!anchored.has(node.source)) tell(node.range?.[0] ?? 0, unresolved(node.source));
        } else if (node.anchor !== undefined) {
          anchors += 1;
          anchored.set(node.anchor, node);
        }
        if (isMap(node)) for (const offset of repeatedKeys(node)) tell(offset, "Map keys must be unique [DUPLICATE_KEY]");
      },
      Pair: (_key, { key, value }, path) => {
        if (!isMergeKey(key)) return;
        const sources = sourcesOf(value, anchored);
        if (!sources.every((each) => each === undefined || isMap(each))) tell(key.range?.[0] ?? 0, MERGES_NO_MAP);
        merged.add(path.at(-1), sources);
      },
    });
  } catch (error) {
    if (error instanceof RangeError) return [{ line: 1, message: TOO_DEEP }];
    throw error;
  }
  if (merged.total > MOST_MERGED)
    return [{ line: 1, message: `merge keys copy more than ${MOST_MERGED} keys: write out what they stand for` }];
  const isTooMuch = aliases * (aliases + anchors) > MOST_STEPS;
  return isTooMuch ? [{ line: 1, message: `${aliases} aliases of ${anchors} anchors are too many: write out what they stand for` }] : found;
}

function unresolved(name: string): string {
  return `nothing before this alias has the anchor &${name} [UNRESOLVED_ALIAS]`;
}

const MERGES_NO_MAP = "<< takes a map, an alias of one, or a list of these [MERGE_OF_NO_MAP]";

function isMergeKey(key: unknown): key is Scalar {
  return isScalar(key) && typeof key.value === "symbol";
}

/**
 * What `<<` is to take. Undefined stands for an alias that leads nowhere, which is a fault of its
 * own, and told as that.
 */
function sourcesOf(value: unknown, anchored: ReadonlyMap<string, Node>): readonly unknown[] {
  return (isSeq(value) ? value.items : [value]).map((each) => (isAlias(each) ? anchored.get(each.source) : each));
}

/** How many keys the merge keys of a document copy, told of each in the order of the text. */
class MergedKeys {
  total = 0;
  readonly #lengths = new Map<unknown, number>();

  add(map: unknown, sources: readonly unknown[]): void {
    const more = sources.filter(isMap).reduce((sum, each) => sum + this.#lengthOf(each), 0);
    this.total += more;
    this.#lengths.set(map, this.#lengthOf(map) + more);
  }

  #lengthOf(map: unknown): number {
    return this.#lengths.get(map) ?? (isMap(map) ? map.items.length : 0);
  }
}

/** Where the keys begin that stand in the map already. */
function repeatedKeys({ items }: YAMLMap): number[] {
  const seen = new Set<unknown>();
  const found: number[] = [];
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) found.push(key.range?.[0] ?? 0);
    seen.add(key.value);
  }
  return found;
}

const TOO_DEEP = "nested too deeply";

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}

function kubectlTags(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || !(UNKNOWN_TO_KUBECTL.has(tag.tag) || (tag as ScalarTag).format === "TIME"));
}
