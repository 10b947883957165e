import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch, type Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverySheet, rehearsalPage } from '@cdrec/report';
import { FAILED, PASSED, SHEET } from './samples.ts';

/** Pages in a real Chromium, without a network: at three widths, light and dark, before axe-core. */
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'cdrec-pages-'));
let browser: Browser;
beforeAll(async () => { browser = await launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] }); });
afterAll(async () => {
  await browser.close();
  rmSync(dir, { recursive: true, force: true });
});

const PAGES = { sheet: recoverySheet(SHEET), failed: rehearsalPage(FAILED), passed: rehearsalPage(PASSED) };

describe.each(Object.entries(PAGES))('the page "%s"', (name, html) => {
  const file = join(dir, `${name}.html`);
  writeFileSync(file, html);
  it.each([[360, 'light'], [360, 'dark'], [800, 'light'], [800, 'dark'], [1400, 'light'], [1400, 'dark']] as const)('at %i pixels, %s: no errors, nothing from elsewhere, nothing cut off, accessible', async (width, scheme) => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('console', (m) => errors.push(m.text()));
    page.on('pageerror', (e) => errors.push(String(e)));
    page.on('requestfailed', (r) => errors.push(`request ${r.url().slice(0, 100)}`));
    await page.setOfflineMode(true);
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.goto(pathToFileURL(file).href);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.evaluate('[...document.images].every((i) => i.naturalWidth > 0)')).toBe(true);
    // axe is brought in by the debugger: the pages themselves allow no script.
    const violations = await page.evaluate(`${axe}; axe.run().then((r) => ['passed ' + r.passes.length, ...r.violations.map((v) => v.impact + ' ' + v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))])`) as string[];
    expect(Number(violations[0]?.split(' ')[1])).toBeGreaterThan(15); // it did look
    expect(violations.filter((v) => /^(serious|critical)/.test(v))).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });
});

describe('the recovery sheet', () => {
  it('prints on one page', async () => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(dir, 'sheet.html')).href);
    const pdf = Buffer.from(await page.pdf({ format: 'A4' })).toString('latin1');
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
    await page.close();
  });
  it('says what it is without styles: headings, steps, a name for every map', async () => {
    const page = await browser.newPage();
    await page.setJavaScriptEnabled(false);
    await page.goto(pathToFileURL(join(dir, 'sheet.html')).href);
    const tree = JSON.stringify(await page.accessibility.snapshot());
    for (const said of ['Recovery of files.example.org', 'What to do', 'start-restore', '/dev/nvme0n1, 480.0 GiB: partition 1 vfat /boot/efi 512 MiB']) expect(tree).toContain(said);
    await page.close();
  });
  it('lets nothing of the machine become a script', () => {
    expect(PAGES.failed).not.toContain('<script>');
    expect(recoverySheet({ ...SHEET, host: '"><script>x</script>' })).not.toContain('<script>');
  });
});
