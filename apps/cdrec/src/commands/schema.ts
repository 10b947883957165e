import { configJsonSchema } from '@cdrec/config';
import { rehearsalJsonSchema } from '@cdrec/rehearse';
import { surveyJsonSchema } from '@cdrec/survey';
import { setJsonSchema } from '@cdrec/volumes';
import { EXIT, usageError } from '../exit.js';
import type { Terminal } from '../terminal.js';

/** The schemas by name. */
export const SCHEMAS: Record<string, () => unknown> = { survey: surveyJsonSchema, set: setJsonSchema, config: configJsonSchema, rehearsal: rehearsalJsonSchema };

/** `cdrec schema`: a JSON Schema. */
export function schema([name]: [string], _flags: object, terminal: Terminal): number {
  const make = SCHEMAS[name];
  if (make === undefined) throw usageError(`there is no schema "${name}"`, `take one of ${Object.keys(SCHEMAS).join(', ')}`);
  terminal.print(JSON.stringify(make(), null, 2));
  return EXIT.ok;
}
