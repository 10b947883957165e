// Screenshots of pages for docs/images: node tools/page-shots.mjs FILE.html NAME (three widths, light and dark; NAME-WIDTH-SCHEME.png).
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from 'puppeteer-core';

const [file, name] = process.argv.slice(2);
if (name === undefined || !existsSync(file)) {
  console.error('usage: node tools/page-shots.mjs FILE.html NAME');
  process.exit(2);
}
const browser = await launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
for (const [width, scheme] of [[360, 'light'], [800, 'dark'], [1280, 'light']]) {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.screenshot({ path: `docs/images/${name}-${width}-${scheme}.png`, fullPage: true });
  await page.close();
}
await browser.close();
