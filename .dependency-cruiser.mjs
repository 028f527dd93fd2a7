/**
 * Which package may import which, from the bottom up. Tests and what they share (`testing/`) may
 * import more: a test of the collector runs a store.
 */
const MAY_IMPORT = {
  api: [],
  wire: ["api"],
  als: ["api", "wire"],
  "mesh-addresses": ["api", "wire"],
  prometheus: ["api"],
  edges: ["api"],
  registry: ["api"],
  limits: ["api"],
  render: ["api", "registry"],
  kubernetes: ["api"],
  store: ["api", "kubernetes"],
  control: ["api", "store"],
  "http-api": ["api", "wire"],
  proxy: ["api", "wire", "registry", "http-api"],
  collector: [
    "api",
    "wire",
    "als",
    "mesh-addresses",
    "prometheus",
    "edges",
    "registry",
    "limits",
    "render",
    "store",
    "control",
    "http-api",
  ],
  cli: ["api", "wire", "als", "mesh-addresses", "registry", "kubernetes", "store", "http-api", "proxy", "collector"],
};

/**
 * Packages without I/O: time and everything else comes as an argument. `net` is missing below since
 * its `isIP` is pure.
 */
const PURE = ["api", "edges", "registry", "limits", "render"];
const IO = "^(node:)?(child_process|cluster|dgram|dns|fs|fs/promises|http|http2|https|timers|timers/promises|tls|worker_threads)$";
/** Programs at the edge of a pure package, which read or write its files. */
const COMMANDS = "^packages/api/src/(kinds/crd-files|config-file)\\.ts$";
const TESTS = "(\\.test\\.ts$|/testing/|/conformance/|/behaviour/)";

/**
 * The same for the folders of `packages/proxy/src`. Files beside the folders put the parts
 * together: they may import all of them, and of the folders only `workers` imports one of these
 * files.
 */
const PROXY_MAY_IMPORT = {
  net: [],
  refusals: [],
  resolve: [],
  destination: ["refusals", "resolve"],
  load: ["refusals", "destination"],
  calls: ["net", "refusals", "resolve", "destination", "load"],
  report: ["refusals", "resolve", "destination", "calls"],
  http1: ["net", "refusals", "resolve", "destination", "load", "calls"],
  http2: ["net", "refusals", "resolve", "destination", "load", "calls"],
  tunnel: ["net", "refusals", "resolve", "destination", "load", "calls", "http1"],
  listener: ["net", "resolve", "calls", "http1", "http2", "tunnel"],
  workers: ["destination", "report", "global-sidecar.ts"],
};

const proxyRules = Object.entries(PROXY_MAY_IMPORT).map(([name, others]) => ({
  name: `proxy-${name}-imports`,
  comment: `packages/proxy/src/${name} may import ${others.join(", ") || "no other folder"}.`,
  severity: "error",
  from: { path: `^packages/proxy/src/${name}/`, pathNot: TESTS },
  to: { path: "^packages/proxy/", pathNot: `^packages/proxy/src/(${[name, ...others].join("|")})(/|$)` },
}));

const packageRules = Object.entries(MAY_IMPORT).map(([name, others]) => ({
  name: `${name}-imports`,
  comment: `packages/${name} may import ${others.join(", ") || "no other package"}.`,
  severity: "error",
  from: { path: `^packages/${name}/`, pathNot: TESTS },
  to: { path: "^packages/", pathNot: `^packages/(${[name, ...others].join("|")})/` },
}));

/** What a package shows, to others and to their tests. */
const INDEX = "^packages/[^/]+/src/(testing/)?index\\.ts$";
/**
 * The same for what is beside the packages. Nobody imports these, but for the lab that the
 * benchmarks start.
 */
const BESIDE = {
  bench: "^bench/|^e2e/src/lab/|^packages/|^scripts/tools/",
  e2e: "^e2e/|^packages/(als|api)/|^packages/render/src/report/|^scripts/(install|tools)/",
  charts: `^charts/|^scripts/tools/|${INDEX}`,
  docker: `^docker/|^scripts/(install|tools)/|${INDEX}`,
  scripts: `^scripts/|${INDEX}`,
};

const besideRules = Object.entries(BESIDE).map(([name, allowed]) => ({
  name: `${name}-imports`,
  comment: `${name} may import what matches ${allowed}.`,
  severity: "error",
  from: { path: `^${name}/` },
  to: { path: "^(bench|charts|docker|e2e|packages|scripts)/", pathNot: allowed },
}));

export default {
  forbidden: [
    ...packageRules,
    ...proxyRules,
    ...besideRules,
    {
      name: "product-imports-itself",
      comment: "What runs in production imports nothing of the chart, the images and the scripts; tests start what the scripts install.",
      severity: "error",
      from: { path: "^packages/", pathNot: TESTS },
      to: { path: "^(charts|docker|scripts)/" },
    },
    {
      name: "nobody-imports-programs",
      comment: "Packages, the chart and the scripts import neither the benchmarks nor the lab.",
      severity: "error",
      from: { path: "^(packages|charts|docker|scripts)/" },
      to: { path: "^(bench|e2e)/" },
    },
    {
      name: "no-circle",
      comment: "Two files that import each other, directly or by others, cannot be read one after the other.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "pure-packages",
      comment: `${PURE.join(", ")} do no I/O.`,
      severity: "error",
      from: { path: `^packages/(${PURE.join("|")})/`, pathNot: `${TESTS}|${COMMANDS}` },
      to: { path: IO },
    },
    {
      name: "no-test-code",
      comment: "What runs in production imports nothing that only tests need.",
      severity: "error",
      from: { path: "^packages/", pathNot: TESTS },
      to: { path: TESTS },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // TypeScript 7 has no interface for tools like this one.
    parser: "swc",
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
