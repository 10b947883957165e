import { configJsonSchema } from '@cdrec/config';
import { rehearsalJsonSchema } from '@cdrec/rehearse';
import { surveyJsonSchema } from '@cdrec/survey';
import { setJsonSchema } from '@cdrec/volumes';
import { usageError, type AddCommand } from '../main.js';

const SCHEMAS: Record<string, () => unknown> = { survey: surveyJsonSchema, set: setJsonSchema, config: configJsonSchema, rehearsal: rehearsalJsonSchema };

export const schemaCommand: AddCommand = (program, terminal) => {
  program.command('schema')
    .description('print the JSON Schema of survey.json, set.json, rehearsal.json or the configuration')
    .argument('<name>', Object.keys(SCHEMAS).join(', '))
    .action((name: string) => {
      const make = SCHEMAS[name];
      if (make === undefined) throw usageError(`there is no schema "${name}"`, `take one of ${Object.keys(SCHEMAS).join(', ')}`);
      terminal.print(JSON.stringify(make(), null, 2));
    });
};
