// Has a restored system compare its survey with that of its set, in the course of a rehearsal.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Text of a script for `cdrec rehearse --inject`: puts the comparison, and further commands, into the restored system, as a unit that its start waits for. */
export async function surveyScript(dir, size, more = 'true') {
  const program = join(dir, 'survey-guest.mjs');
  await build({
    entryPoints: [new URL('survey-guest.mjs', import.meta.url).pathname], outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning', minify: true,
    banner: { js: "import { createRequire as cdrecSurveyRequire } from 'node:module'; const require = cdrecSurveyRequire(import.meta.url);" },
  });
  return `set -e
cp /etc/recovery/survey.json "$CDREC_ROOT/etc/survey-before.json"
cat > "$CDREC_ROOT/etc/survey-guest.mjs" <<'END-OF-PROGRAM'
${readFileSync(program, 'utf8')}
END-OF-PROGRAM
cat > "$CDREC_ROOT/etc/survey-check.sh" <<'END-OF-SCRIPT'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# A login prompt hangs up whoever has the line open.
said=$( ( ${more} ) 2>&1 ); echo "$said" > /dev/ttyS0
# An emulated processor makes a program crash now and then.
compare() { node --no-warnings /etc/survey-guest.mjs /etc/survey-before.json ${size} > /dev/ttyS0 2>&1; }
compare || compare
END-OF-SCRIPT
# Without systemd: before the report of the rehearsal.
if [ -e "$CDREC_ROOT/etc/cdrec-rehearsal-once.sh" ]; then
  sed -i 's#^exec#/bin/sh /etc/survey-check.sh\\nexec#' "$CDREC_ROOT/etc/cdrec-rehearsal-once.sh"; cat "$CDREC_ROOT/etc/cdrec-rehearsal-once.sh"
  exit 0
fi
cat > "$CDREC_ROOT/etc/systemd/system/survey-check.service" <<'END-OF-UNIT'
[Unit]
Description=Survey of the restored system
After=local-fs.target swap.target
[Service]
Type=oneshot
ExecStart=/bin/sh /etc/survey-check.sh
END-OF-UNIT
ln -sf ../survey-check.service "$CDREC_ROOT/etc/systemd/system/multi-user.target.wants/survey-check.service"
`;
}

/** What the restored system said, from the page of the rehearsal: every difference, and how much was compared. */
export function surveyResult(html) {
  const text = html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  const compared = /SURVEY COMPARED (.*)/.exec(text)?.[1];
  const said = [...text.matchAll(/SURVEY DIFFERENCE (.*)/g)].map((m) => m[1].trim());
  // A line that the kernel wrote into must not be a difference less.
  const counted = Number(/(\d+) differences/.exec(compared ?? '')?.[1] ?? NaN);
  return { compared: (compared ?? '').trim(), said: counted === said.length ? said : [...said, `${compared === undefined ? 'it was not compared' : `${counted} differences were counted`}, ${said.length} were said`] };
}
