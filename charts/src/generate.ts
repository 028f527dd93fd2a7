/**
 * `npm run chart`: writes the chart's values, their schema and, if Helm is installed, its rendered
 * goldens. A person reviews the difference.
 */
import { writeFileSync } from "node:fs";
import { CHART, goldenCases, HELM, renderChart } from "./chart.ts";
import { KIND_RIGHTS_FILE, KIND_TABLES, kindRightsTemplate } from "./kind-rights.ts";
import { valuesSchema } from "./values.ts";
import { valuesFile } from "./values-file.ts";

writeFileSync(`${CHART}/values.schema.json`, `${JSON.stringify(valuesSchema(), null, 2)}\n`);
writeFileSync(`${CHART}/values.yaml`, valuesFile());
writeFileSync(`${CHART}/${KIND_RIGHTS_FILE}`, kindRightsTemplate(KIND_TABLES));
process.stdout.write(`values.schema.json, values.yaml, ${KIND_RIGHTS_FILE}\n`);

if (HELM === undefined) process.stdout.write("no Helm here: goldens are left as they are\n");
else for (const { values, golden } of goldenCases()) writeGolden(values, golden);

function writeGolden(values: string, golden: string): void {
  const { code, output, errors } = renderChart("--values", values);
  if (code !== 0) throw new Error(errors);
  writeFileSync(golden, output);
  process.stdout.write(`${golden}\n`);
}
