import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGo } from "./go-module.mjs";
import { toolFolder, unlessRuns } from "./tool.mjs";

const VERSION = "v2.2.1";
const PROGRAM = "github.com/summerwind/h2spec/cmd/h2spec";
/**
 * h2spec has no go.mod of its own, so that `go install` would take the newest version of each
 * dependency: this one pins them.
 */
const MODULE = fileURLToPath(new URL("./h2spec-module", import.meta.url));

/**
 * The conformance test of HTTP/2 (RFC 9113, RFC 7541) that the proxy's listener is held against.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const h2spec = {
  name: "h2spec",
  variable: "FENCELINE_H2SPEC",
  skipped: "the conformance test of HTTP/2",
  says: `building ${PROGRAM}@${VERSION} into .tools/h2spec`,
  folder: toolFolder(`h2spec/${VERSION}`),
  path: (folder) => join(folder, "h2spec"),
  missing: () => unlessRuns("go", "version"),
  build: (fresh) => buildGo(MODULE, PROGRAM, join(fresh, "h2spec")),
};
