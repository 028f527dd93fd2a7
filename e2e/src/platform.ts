import { FencelineError } from "@fenceline/api";

/**
 * @throws {FencelineError} `LAB_NEEDS_LINUX`, `LAB_NEEDS_ROOT`: network namespaces need Linux and
 * root
 */
export function requireLinuxAndRoot(): void {
  if (process.platform !== "linux") {
    throw new FencelineError("LAB_NEEDS_LINUX", {
      message: `the mesh lab is made of Linux network namespaces, and this is ${process.platform}`,
      hint: "run it in a Linux virtual machine; every other test runs here with npm test",
    });
  }
  if (process.getuid?.() !== 0) {
    throw new FencelineError("LAB_NEEDS_ROOT", {
      message: "the mesh lab makes network namespaces and iptables rules in them, which needs root",
      hint: "run it as root on a machine or container that you can spare; e2e/README.md lists what it makes and removes",
    });
  }
}
