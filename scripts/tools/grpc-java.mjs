import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceHash } from "./source-hash.mjs";
import { run, toolFolder, unlessRuns } from "./tool.mjs";

const SOURCE = fileURLToPath(new URL("./peers/grpc-java", import.meta.url));
const JAVA_VERSION = 17;
const MAVEN_TIMEOUT_MS = 5 * 60_000;
const COMPILE_TIMEOUT_MS = 2 * 60_000;

/**
 * A folder with `classes` and `lib`: a client and a server of grpc-java that the proxy is held
 * against, built from `peers/grpc-java` with jars from Maven Central. Nothing else here needs a JDK
 * or Maven, so their absence is no failure, on CI neither.
 *
 * @type {import("./tool.mjs").Tool}
 */
export const grpcJava = {
  name: "grpc-java",
  variable: "FENCELINE_GRPC_JAVA",
  skipped: "tests with clients and servers of grpc-java",
  says: "building scripts/tools/peers/grpc-java into .tools/grpc-java",
  folder: toolFolder(`grpc-java/${sourceHash(SOURCE)}`),
  path: (folder) => folder,
  isWhole: (path) => existsSync(join(path, "classes")),
  isOptional: true,
  missing: () => missingCompiler() ?? (unlessRuns("mvn", "--version") && "Maven"),
  build(fresh) {
    const lib = join(fresh, "lib");
    const flags = ["-B", "-q", "-f", join(SOURCE, "pom.xml"), `-DoutputDirectory=${lib}`, "-DincludeScope=runtime"];
    run("mvn", [...flags, "dependency:copy-dependencies"], { timeout: MAVEN_TIMEOUT_MS });
    const source = join(SOURCE, "GrpcJavaPeer.java");
    const javac = ["--release", `${JAVA_VERSION}`, "-cp", join(lib, "*"), "-d", join(fresh, "classes"), source];
    run("javac", javac, { timeout: COMPILE_TIMEOUT_MS });
  },
};

function missingCompiler() {
  const compiler = spawnSync("javac", ["-version"], { encoding: "utf8" });
  const [, version] = /javac (\d+)/.exec(`${compiler.stdout}`) ?? [];
  return Number(version ?? 0) < JAVA_VERSION ? `a JDK of version ${JAVA_VERSION} or later` : undefined;
}
