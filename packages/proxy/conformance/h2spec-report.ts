/** A case of h2spec that did not pass. */
export interface H2specFailure {
  /**
   * Section and title, for example `http2/6.3 Sends a PRIORITY frame with 0x0 stream identifier`.
   */
  readonly name: string;
  /** What h2spec expected and saw. */
  readonly detail: string;
}

const CASE = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;
const ENTITIES: Readonly<Record<string, string>> = { "&#34;": '"', "&#39;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/**
 * Reads h2spec's JUnit report. No XML parser: h2spec writes what it saw into it unescaped, NUL
 * bytes included.
 */
export function readReport(xml: string): { total: number; failures: H2specFailure[] } {
  const cases = [...xml.matchAll(CASE)];
  const failures = cases
    .filter(([, , , outcome = ""]) => /<(?:error|failure)/.test(outcome))
    .map(([, section = "", title = "", outcome = ""]) => ({ name: text(`${section} ${title}`), detail: text(outcome) }));
  return { total: cases.length, failures };
}

function text(xml: string): string {
  const withoutTags = xml.replace(/<[^>]*>/g, " ").replace(/&(?:#3[49]|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity);
  return withoutTags.replace(/\s+/g, " ").trim();
}
