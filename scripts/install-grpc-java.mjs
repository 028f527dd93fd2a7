/**
 * Builds the peer of grpc-java that the proxy is held against, with jars from Maven Central, into
 * an ignored folder.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { GRPC_JAVA_FOLDER, GRPC_JAVA_SOURCE, grpcJavaFolder } from "./install/grpc-java-location.mjs";
import { buildBeside, ensureTool, run } from "./install/tool.mjs";

const JAVA_VERSION = 17;
const MAVEN_TIMEOUT_MS = 5 * 60_000;
const COMPILE_TIMEOUT_MS = 2 * 60_000;

// Nothing else here needs a JDK or Maven, so their absence is no failure, in CI neither.
const missing = process.env.FENCELINE_GRPC_JAVA || grpcJavaFolder() !== undefined ? undefined : whatIsMissing();

if (missing !== undefined) {
  console.error(`fenceline: no grpc-java: ${missing} is not on this machine; tests with clients and servers of grpc-java will be skipped`);
} else {
  ensureTool({
    name: "grpc-java",
    variable: "FENCELINE_GRPC_JAVA",
    skipped: "tests with clients and servers of grpc-java",
    binary: grpcJavaFolder,
    install() {
      console.log("fenceline: building scripts/install/grpc-java into .tools/grpc-java");
      buildBeside(GRPC_JAVA_FOLDER, () => grpcJavaFolder() !== undefined, build);
    },
  });
}

function whatIsMissing() {
  const compiler = spawnSync("javac", ["-version"], { encoding: "utf8" });
  const [, version] = /javac (\d+)/.exec(`${compiler.stdout}`) ?? [];
  if (Number(version ?? 0) < JAVA_VERSION) return `a JDK of version ${JAVA_VERSION} or later`;
  return spawnSync("mvn", ["--version"]).status === 0 ? undefined : "Maven";
}

/** @param {string} fresh */
function build(fresh) {
  const lib = join(fresh, "lib");
  const pom = join(GRPC_JAVA_SOURCE, "pom.xml");
  const flags = ["-B", "-q", "-f", pom, `-DoutputDirectory=${lib}`, "-DincludeScope=runtime"];
  run("mvn", [...flags, "dependency:copy-dependencies"], { timeout: MAVEN_TIMEOUT_MS });
  const source = join(GRPC_JAVA_SOURCE, "GrpcJavaPeer.java");
  run("javac", ["--release", `${JAVA_VERSION}`, "-cp", join(lib, "*"), "-d", join(fresh, "classes"), source], {
    timeout: COMPILE_TIMEOUT_MS,
  });
}
