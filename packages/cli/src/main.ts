#!/usr/bin/env node
import { FencelineError } from "@fenceline/api/vocabulary";
import { Command } from "commander";
import { collectorCommand } from "./collector/command.ts";
import { globalSidecarCommand } from "./global-sidecar/command.ts";
import { standaloneCommand } from "./standalone/command.ts";
import { withdrawCommand } from "./withdraw/command.ts";

const program = new Command("fenceline").description(
  "Each Envoy of an Istio mesh is told only about the services that its workload calls.",
);
program.addCommand(standaloneCommand());
program.addCommand(globalSidecarCommand());
program.addCommand(collectorCommand());
program.addCommand(withdrawCommand());

try {
  await program.parseAsync();
} catch (error) {
  // A fault that we foresaw is the user's to mend, and needs no stack trace; any other is ours.
  process.stderr.write(`${error instanceof FencelineError ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = error instanceof FencelineError ? 2 : 1;
}
