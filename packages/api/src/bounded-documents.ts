import {
  Composer,
  type CST,
  Document,
  type DocumentOptions,
  Lexer,
  type LineCounter,
  type ParseOptions,
  Parser,
  type SchemaOptions,
  YAMLParseError,
} from "yaml";

/**
 * Most parts of a text, as the lexer sees them: a key and its value on a line of their own are
 * seven. So much of an honest text is about 12 MiB, of line ends alone 3 MiB.
 * Reading them takes a few seconds, and up to 1 GB of memory.
 */
const MOST_PARTS = 3_000_000;

/** Most documents of a text. Each costs as much as ten parts, were it as empty as `---`. */
const MOST_DOCUMENTS = 50_000;

/**
 * Most collections in one another. The parser calls itself for each, and takes a time that grows by
 * their square. The deepest schema of a CRD of Istio has 50.
 */
const MOST_LEVELS = 200;

/** Options of the parser that a caller chooses. */
export type YamlOptions = ParseOptions & DocumentOptions & SchemaOptions;

/**
 * The documents of a text, which is read no further than the limits go. The last document then has
 * a fault with the code `RESOURCE_EXHAUSTION` that says where and why.
 */
export function boundedDocuments(text: string, lines: LineCounter, options: YamlOptions): Document[] {
  const documents: Document[] = [];
  const excess = new Excess();
  for (const document of new Composer(options).compose(tokensOf(text, lines, excess))) {
    documents.push(document);
    if (documents.length < MOST_DOCUMENTS) continue;
    excess.say(document.range[1], `more than ${MOST_DOCUMENTS} documents: split it into several files`);
    break;
  }
  if (excess.fault === undefined) return documents;
  const last = new Document(null, options);
  last.errors.push(excess.fault);
  return [...documents, last];
}

/** The first limit that a text went beyond. */
class Excess {
  fault: YAMLParseError | undefined;

  say(offset: number, message: string): void {
    this.fault ??= new YAMLParseError([offset, offset], "RESOURCE_EXHAUSTION", message);
  }
}

/** As the parser's own `parse`, which has no limit. */
function* tokensOf(text: string, lines: LineCounter, excess: Excess): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let parts = 0;
  for (const part of new Lexer().lex(text)) {
    parts += 1;
    if (parts > MOST_PARTS)
      return excess.say(parser.offset, `more than ${MOST_PARTS} keys, values, line ends and signs: split it into several files`);
    yield* parser.next(part);
    if (parser.stack.length > MOST_LEVELS) return excess.say(parser.offset, `nested too deeply: more than ${MOST_LEVELS} levels`);
  }
  yield* parser.end();
}
