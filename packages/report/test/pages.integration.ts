import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch, type Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetPage, recoverySheet, rehearsalPage, type FleetRow } from '@cdrec/report';
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

/** A fleet: every seventh machine needs attention; names sort otherwise than ages. */
const ROWS = Array.from({ length: 120 }, (_, i): FleetRow => ({ host: `host-${String((i * 37) % 120).padStart(3, '0')}${i === 3 ? '<script>alert(1)</script>' : ''}`, label: 'L', created: new Date(Date.UTC(2026, 10, 28) - i * 3_600_000).toISOString(), ageDays: i / 24, contentBytes: i * 1e9, addedBytes: i * 1e6, rehearsal: i % 7 === 0 ? 'FAIL' : 'PASS', drift: i % 5 === 0 ? undefined : i % 3, attention: i % 7 === 0 ? ['its rehearsal failed'] : [] }));
const FLEET = fleetPage({ where: 'rest:https://backup.example:8000/', made: '2026-11-28T00:00:00Z', rows: ROWS });
const PAGES = { fleet: FLEET, sheet: recoverySheet(SHEET), failed: rehearsalPage(FAILED), passed: rehearsalPage(PASSED) };

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

describe('the page of a fleet', () => {
  it('is searched, filtered and sorted; a name is never code; without scripts it is whole', async () => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(dir, 'fleet.html')).href);
    const hosts = (): Promise<string[]> => page.evaluate('[...document.querySelector("tbody").rows].filter((r) => !r.hidden).map((r) => r.cells[0].textContent)') as Promise<string[]>;
    const shown = (): Promise<string> => page.evaluate('document.getElementById("shown").textContent') as Promise<string>;
    expect([(await hosts()).length, await shown()]).toEqual([120, '120 of 120 machines']);
    await page.type('#search', 'HOST-03 pass');
    const found = await hosts();
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((h) => h.startsWith('host-03'))).toBe(true);
    await page.evaluate('document.getElementById("search").value = ""; document.getElementById("search").dispatchEvent(new Event("input"))');
    await page.click('#attention');
    expect(await shown()).toBe('18 of 120 machines');
    await page.click('#attention');
    const click = async (column: number): Promise<void> => { await page.evaluate(`document.querySelectorAll("th button")[${String(column)}].click()`); };
    await click(0);
    expect((await hosts())[0]).toBe('host-000');
    await click(0);
    expect((await hosts())[0]).toBe('host-119');
    await click(3); // numbers by their values, not by their texts
    expect((await hosts()).slice(0, 3)).toEqual(ROWS.slice(0, 3).map((r) => r.host));
    expect(await page.evaluate('document.querySelectorAll("tbody script").length')).toBe(0);
    await page.close();
    const plain = await browser.newPage();
    await plain.setJavaScriptEnabled(false);
    await plain.goto(pathToFileURL(join(dir, 'fleet.html')).href);
    expect(JSON.stringify(await plain.accessibility.snapshot())).toContain('host-119');
    await plain.close();
  });
});
